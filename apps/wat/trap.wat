;; Ends in a trap below several frames: division by zero, after a line of output.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)

  (func $divide_down (param $n i32) (result i32)
    (i32.add (i32.div_u (i32.const 100) (local.get $n)) (call $divide_down (i32.sub (local.get $n) (i32.const 1)))))

  (func (export "_start")
    (call $fold (i64.const 1))
    (call $print_sum)
    (drop (call $divide_down (call $work_size (i32.const 40))))))
