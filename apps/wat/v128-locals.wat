;; Vectors in locals, parameters, results, globals and under calls on the operand stack, across recursion.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  ;; include fold-v128.wat
  (memory (export "memory") 1)
  (global $last (mut v128) (v128.const i32x4 1 2 3 4))

  ;; Each frame holds two vectors and leaves one on the stack while it calls itself.
  (func $descend (param $n i32) (param $v v128) (result v128)
    (local $kept v128) (local $doubled v128)
    (local.set $kept (i32x4.add (local.get $v) (i32x4.splat (local.get $n))))
    (local.set $doubled (i16x8.shl (local.get $kept) (i32.const 1)))
    (if (i32.eqz (local.get $n)) (then (return (global.get $last))))
    (v128.xor
      (i8x16.neg (local.get $v))
      (i64x2.sub
        (call $descend (i32.sub (local.get $n) (i32.const 1)) (local.get $doubled))
        (local.get $kept)))
    (global.set $last (i8x16.add (global.get $last) (local.get $doubled)))
    (i32x4.mul (local.get $kept)))

  (func $sum_lanes (param $count i32) (result v128 i32)
    (local $total v128) (local $floats v128) (local $i i32)
    (local.set $floats (v128.const f64x2 0.5 -0.25))
    (loop $next
      (local.set $total (i32x4.add (local.get $total) (i32x4.splat (local.get $i))))
      (local.set $floats (f64x2.mul (local.get $floats) (f64x2.splat (f64.const 1.0625))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count))))
    (v128.xor (local.get $total) (local.get $floats))
    (local.get $i))

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 60)))
    (loop $next
      (call $fold_v128 (call $descend (i32.rem_u (local.get $i) (i32.const 25)) (i8x16.splat (local.get $i))))
      (call $sum_lanes (i32.add (local.get $i) (i32.const 1)))
      (call $fold_i32)
      (call $fold_v128)
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)))
