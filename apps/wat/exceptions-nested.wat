;; Exceptions through many frames and many layers: try inside loop inside try, values on the operand stack under calls
;; that throw, handlers that throw, unwinding through recursion and through a table.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)
  (type $callee (func (param i32) (result i32)))
  (tag $stop (param i32))
  (tag $skip (param i32 i32))
  (table funcref (elem $sometimes $descend))

  (func $sometimes (type $callee)
    (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 7)))
      (then (throw $skip (local.get 0) (i32.const 7))))
    (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 11)))
      (then (throw $stop (local.get 0))))
    (i32.mul (local.get 0) (i32.const 3)))

  ;; Every third frame has a handler that lets all but $skip pass.
  (func $descend (type $callee)
    (if (i32.eqz (local.get 0)) (then (throw $stop (i32.const 1000))))
    (if (i32.rem_u (local.get 0) (i32.const 3))
      (then
        (return (i32.add (local.get 0) (call $descend (i32.sub (local.get 0) (i32.const 1)))))))
    (block $skipped (result i32 i32)
      (return
        (try_table (result i32) (catch $skip $skipped)
          (call_indirect (type $callee)
            (i32.sub (local.get 0) (i32.const 1))
            (i32.ne (local.get 0) (i32.const 21))))))
    (i32.add))

  ;; Three values of three types wait on the operand stack while the call inside the try may throw.
  (func $under (param $i i32) (result i64)
    (i64.extend_i32_u (local.get $i))
    (f64.convert_i32_u (local.get $i))
    (i32.add (local.get $i) (i32.const 1))
    (block $handled (result i32)
      (block $skipped (result i32 i32)
        (br $handled
          (try_table (result i32) (catch $stop $handled) (catch $skip $skipped)
            (i32.add (i32.const 5) (call $sometimes (local.get $i))))))
      (i32.mul))
    (i32.add)
    (f64.convert_i32_s)
    (f64.mul)
    (i64.trunc_f64_s)
    (i64.add))

  ;; A loop in a try in a loop in a try; the inner handler throws for the outer one.
  (func $layers (param $n i32) (result i32)
    (local $i i32) (local $total i32)
    (block $ended (result i32)
      (try_table (catch $stop $ended)
        (loop $outer
          (block $skipped (result i32 i32)
            (try_table (catch $skip $skipped)
              (loop $inner
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (local.set $total
                  (i32.add (local.get $total) (call $sometimes (i32.add (local.get $i) (i32.const 1)))))
                (br $inner)))
            (unreachable))
          (local.set $total (i32.sub (i32.sub (local.get $total))))
          (if (i32.gt_u (local.get $i) (local.get $n)) (then (throw $stop (local.get $total))))
          (br $outer)))
      (unreachable))
    (i32.xor (local.get $total)))

  (func $recover (param $depth i32) (result i32)
    (block $stopped (result i32)
      (try_table (result i32) (catch $stop $stopped)
        (call $descend (local.get $depth)))))

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 100)))
    (loop $next
      (call $fold (call $under (local.get $i)))
      (call $fold_i32 (call $layers (local.get $i)))
      (call $fold_i32 (call $recover (i32.rem_u (local.get $i) (i32.const 40))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)))
