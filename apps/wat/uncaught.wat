;; Ends with an exception nobody catches: the only handler on its way is for another tag.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)
  (tag $expected)
  (tag $surprise (param i32 f64))

  (func $descend (param $n i32)
    (if (i32.eqz (local.get $n)) (then (throw $surprise (i32.const 42) (f64.const 0.5))))
    (call $descend (i32.sub (local.get $n) (i32.const 1)))
    (call $fold_i32 (local.get $n)))

  (func (export "_start")
    (call $fold (i64.const 1))
    (call $print_sum)
    (block $caught
      (try_table (catch $expected $caught)
        (call $descend (call $work_size (i32.const 40)))))))
