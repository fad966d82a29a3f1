;; Extended constant expressions in globals and in the offsets of segments.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)
  (global $base i32 (i32.mul (i32.add (i32.const 3) (i32.const 5)) (i32.const 256)))
  (global $large i64 (i64.sub (i64.mul (i64.const 0x100000000) (i64.const 3)) (i64.const 1)))
  (global $counter (mut i64) (i64.add (i64.const 40) (i64.const 2)))
  (data (i32.add (i32.const 2000) (i32.mul (i32.const 12) (i32.const 4))) "placed by arithmetic")
  (type $number (func (result i32)))
  (table 8 funcref)
  (elem (offset (i32.sub (i32.const 7) (i32.const 4))) $seven $nine)

  (func $seven (type $number) (i32.const 7))
  (func $nine (type $number) (i32.add (call $seven) (i32.const 2)))

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 600)))
    (loop $next
      (global.set $counter (i64.add (i64.mul (global.get $counter) (global.get $large)) (i64.const 1)))
      (call $fold (global.get $counter))
      (call $fold_i32 (i32.load8_u (i32.add (global.get $base) (i32.rem_u (local.get $i) (i32.const 20)))))
      (call $fold_i32 (call_indirect (type $number) (i32.add (i32.const 3) (i32.and (local.get $i) (i32.const 1)))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)
    (call $print (i64.extend_i32_u (global.get $base)))
    (call $print (global.get $large))))
