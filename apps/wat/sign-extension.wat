;; Sign-extension operators over values around every border.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)

  (func $extend (param $value i64)
    (call $fold_i32 (i32.extend8_s (i32.wrap_i64 (local.get $value))))
    (call $fold_i32 (i32.extend16_s (i32.wrap_i64 (local.get $value))))
    (call $fold (i64.extend8_s (local.get $value)))
    (call $fold (i64.extend16_s (local.get $value)))
    (call $fold (i64.extend32_s (local.get $value))))

  ;; Visits the values beside 2^bit.
  (func $around (param $bit i64)
    (local $value i64) (local $offset i64)
    (local.set $offset (i64.const -3))
    (loop $next
      (local.set $value (i64.add (i64.shl (i64.const 1) (local.get $bit)) (local.get $offset)))
      (call $extend (local.get $value))
      (local.set $offset (i64.add (local.get $offset) (i64.const 1)))
      (br_if $next (i64.le_s (local.get $offset) (i64.const 3)))))

  (func (export "_start")
    (local $bit i64) (local $rounds i32)
    (local.set $rounds (call $work_size (i32.const 1)))
    (loop $again
      (local.set $bit (i64.const 0))
      (loop $next
        (call $around (local.get $bit))
        (br_if $next (i64.lt_s (local.tee $bit (i64.add (local.get $bit) (i64.const 1))) (i64.const 64))))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (call $print_sum)
    (call $print (i64.extend8_s (i64.const 0x80)))
    (call $print (i64.extend16_s (i64.const 0x18000)))
    (call $print (i64.extend32_s (i64.const 0x180000000)))))
