;; Ends by exhausting the stack, after a line of output.
(module
  ;; include prelude.wat
  (memory (export "memory") 1)

  (func $fall (param $n i64) (result i64)
    (i64.mul (local.get $n) (call $fall (i64.add (local.get $n) (i64.const 1)))))

  (func (export "_start")
    (call $fold (i64.const 1))
    (call $print_sum)
    (drop (call $fall (i64.const 1)))))
