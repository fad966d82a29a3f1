;; Relaxed SIMD, with operands for which every permitted result is the same.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  ;; include fold-v128.wat
  (memory (export "memory") 1)

  ;; Small whole numbers: products and sums are exact, fused or not.
  (func $multiply_add (param $i i32)
    (local $a v128) (local $b v128) (local $d v128)
    (local.set $a (f32x4.replace_lane 1 (f32x4.splat (f32.convert_i32_s (local.get $i))) (f32.const 3)))
    (local.set $b (f32x4.splat (f32.const 17)))
    (local.set $d (f64x2.convert_low_i32x4_s (i32x4.splat (local.get $i))))
    (call $fold_v128 (f32x4.relaxed_madd (local.get $a) (local.get $b) (local.get $a)))
    (call $fold_v128 (f32x4.relaxed_nmadd (local.get $a) (local.get $b) (local.get $b)))
    (call $fold_v128 (f64x2.relaxed_madd (local.get $d) (local.get $d) (local.get $d)))
    (call $fold_v128 (f64x2.relaxed_nmadd (local.get $d) (local.get $d) (f64x2.splat (f64.const 5))))
    (call $fold_v128 (f32x4.relaxed_min (local.get $a) (local.get $b)))
    (call $fold_v128 (f32x4.relaxed_max (local.get $a) (local.get $b)))
    (call $fold_v128 (f64x2.relaxed_min (local.get $d) (f64x2.splat (f64.const 50))))
    (call $fold_v128 (f64x2.relaxed_max (local.get $d) (f64x2.splat (f64.const 50))))
    (call $fold_v128 (i32x4.relaxed_trunc_f32x4_s (local.get $a)))
    (call $fold_v128 (i32x4.relaxed_trunc_f32x4_u (local.get $a)))
    (call $fold_v128 (i32x4.relaxed_trunc_f64x2_s_zero (local.get $d)))
    (call $fold_v128 (i32x4.relaxed_trunc_f64x2_u_zero (local.get $d))))

  ;; Indices below 16, masks of whole lanes, seven-bit factors.
  (func $lanes (param $i i32)
    (local $a v128) (local $b v128) (local $mask v128)
    (local.set $a (i32x4.splat (i32.mul (local.get $i) (i32.const 0x01030507))))
    (local.set $b (i8x16.splat (i32.rem_u (local.get $i) (i32.const 128))))
    (local.set $mask (i64x2.replace_lane 1 (v128.const i64x2 0 0) (i64.const -1)))
    (call $fold_v128
      (i8x16.relaxed_swizzle (local.get $a) (v128.const i8x16 3 2 1 0 7 6 5 4 11 10 9 8 15 14 13 12)))
    (call $fold_v128 (i8x16.relaxed_laneselect (local.get $a) (local.get $b) (local.get $mask)))
    (call $fold_v128 (i16x8.relaxed_laneselect (local.get $a) (local.get $b) (local.get $mask)))
    (call $fold_v128 (i32x4.relaxed_laneselect (local.get $a) (local.get $b) (local.get $mask)))
    (call $fold_v128 (i64x2.relaxed_laneselect (local.get $a) (local.get $b) (local.get $mask)))
    (call $fold_v128 (i16x8.relaxed_q15mulr_s (local.get $a) (i16x8.splat (i32.const 1234))))
    (call $fold_v128 (i16x8.relaxed_dot_i8x16_i7x16_s (local.get $b) (local.get $b)))
    (call $fold_v128 (i32x4.relaxed_dot_i8x16_i7x16_add_s (local.get $b) (local.get $b) (local.get $a))))

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 60)))
    (loop $next
      (call $multiply_add (local.get $i))
      (call $lanes (local.get $i))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)))
