;; Mutable globals of every numeric type, exported and not, changed in loops and in recursion.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)
  (global $a (export "a") (mut i32) (i32.const -5))
  (global $b (mut i64) (i64.const 0x7fffffffffffffff))
  (global $c (export "c") (mut f32) (f32.const 1.25))
  (global $d (mut f64) (f64.const -0.0))
  (global $e i32 (i32.const 3))

  (func $step (param $depth i32)
    (global.set $a (i32.add (i32.mul (global.get $a) (i32.const 1664525)) (i32.const 1013904223)))
    (global.set $b (i64.xor (i64.rotl (global.get $b) (i64.const 9)) (i64.extend_i32_s (global.get $a))))
    (global.set $c (f32.mul (global.get $c) (f32.const 1.01)))
    (if (local.get $depth) (then (call $step (i32.sub (local.get $depth) (global.get $e)))))
    (global.set $d (f64.add (global.get $d) (f64.promote_f32 (global.get $c)))))

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 150)))
    (loop $next
      (call $step (i32.mul (global.get $e) (i32.rem_u (local.get $i) (i32.const 9))))
      (call $fold_i32 (global.get $a))
      (call $fold (global.get $b))
      (call $fold_f32 (global.get $c))
      (call $fold_f64 (global.get $d))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)))
