;; Saturating conversions of ordinary values, values out of range, infinities and NaN.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)
  (data (i32.const 1024)
    "\00\00\00\00\00\00\f8\7f" ;; NaN
    "\00\00\00\00\00\00\f0\7f" ;; infinity
    "\00\00\00\00\00\00\f0\ff" ;; minus infinity
    "\00\00\c0\ff\ff\ff\df\41" ;; 2147483647
    "\00\00\00\00\00\00\f0\41" ;; 4294967296
    "\00\00\00\00\00\00\e0\c3" ;; -9223372036854775808
    "\00\00\00\00\00\00\f0\43" ;; 18446744073709551616
    "\9a\99\99\99\99\99\e9\bf") ;; -0.8

  (func $convert (param $value f64)
    (local $single f32)
    (local.set $single (f32.demote_f64 (local.get $value)))
    (call $fold_i32 (i32.trunc_sat_f32_s (local.get $single)))
    (call $fold_i32 (i32.trunc_sat_f32_u (local.get $single)))
    (call $fold_i32 (i32.trunc_sat_f64_s (local.get $value)))
    (call $fold_i32 (i32.trunc_sat_f64_u (local.get $value)))
    (call $fold (i64.trunc_sat_f32_s (local.get $single)))
    (call $fold (i64.trunc_sat_f32_u (local.get $single)))
    (call $fold (i64.trunc_sat_f64_s (local.get $value)))
    (call $fold (i64.trunc_sat_f64_u (local.get $value))))

  (func $special (param $factor f64)
    (local $i i32)
    (loop $next
      (call $convert (f64.mul (f64.load offset=1024 (i32.mul (local.get $i) (i32.const 8))) (local.get $factor)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8)))))

  (func (export "_start")
    (local $i i32) (local $n i32) (local $value f64)
    (local.set $n (call $work_size (i32.const 60)))
    (local.set $value (f64.const -1.5))
    (loop $next
      (call $convert (local.get $value))
      (call $special (f64.convert_i32_s (i32.add (i32.const 1) (i32.rem_u (local.get $i) (i32.const 5)))))
      (local.set $value (f64.mul (local.get $value) (f64.const -1.1875)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)
    (call $print (i64.extend_i32_s (i32.trunc_sat_f64_s (f64.load (i32.const 1024)))))
    (call $print (i64.extend_i32_s (i32.trunc_sat_f64_s (f64.load (i32.const 1032)))))
    (call $print (i64.trunc_sat_f64_s (f64.load (i32.const 1040))))
    (call $print (i64.trunc_sat_f64_u (f64.load (i32.const 1040))))))
