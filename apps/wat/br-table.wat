;; Branch tables: a state machine over a string, and branches with values out of several levels at once.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)
  (data (i32.const 1024) "let x1 = 40 + (2 * y) ; // the rest\00")

  ;; 0 end, 1 letter, 2 digit, 3 blank, 4 anything else
  (func $kind (param $c i32) (result i32)
    (if (i32.eqz (local.get $c)) (then (return (i32.const 0))))
    (if (i32.eq (local.get $c) (i32.const 32)) (then (return (i32.const 3))))
    (if (i32.lt_u (i32.sub (local.get $c) (i32.const 97)) (i32.const 26)) (then (return (i32.const 1))))
    (if (i32.lt_u (i32.sub (local.get $c) (i32.const 48)) (i32.const 10)) (then (return (i32.const 2))))
    (i32.const 4))

  ;; Counts words, numbers and signs in one word of the result each.
  (func $scan (param $at i32) (result i32)
    (local $counts i32) (local $inside i32) (local $kind i32)
    (loop $next
      (local.set $kind (call $kind (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (block $sign
        (block $blank
          (block $digit
            (block $letter
              (block $end
                (br_table $end $letter $digit $blank $sign (local.get $kind)))
              (return (local.get $counts)))
            (if (i32.eqz (local.get $inside))
              (then (local.set $counts (i32.add (local.get $counts) (i32.const 0x10000)))))
            (local.set $inside (i32.const 1))
            (br $next))
          (if (i32.eqz (local.get $inside))
            (then (local.set $counts (i32.add (local.get $counts) (i32.const 0x100)))))
          (local.set $inside (i32.const 1))
          (br $next))
        (local.set $inside (i32.const 0))
        (br $next))
      (local.set $counts (i32.add (local.get $counts) (i32.const 1)))
      (local.set $inside (i32.const 0))
      (br $next))
    (unreachable))

  ;; One value leaves through as many blocks as `level` says, each adding to it.
  (func $escape (param $value i32) (param $level i32) (result i32)
    (block $d (result i32)
      (i32.add (i32.const 1000)
        (block $c (result i32)
          (i32.mul (i32.const 3)
            (block $b (result i32)
              (i32.sub (i32.const 7)
                (block $a (result i32)
                  (br_table $a $b $c $d (local.get $value) (local.get $level))))))))))

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 60)))
    (call $print (i64.extend_i32_u (call $scan (i32.const 1024))))
    (loop $next
      (call $fold_i32 (call $scan (i32.add (i32.const 1024) (i32.rem_u (local.get $i) (i32.const 20)))))
      (call $fold_i32 (call $escape (local.get $i) (i32.rem_u (local.get $i) (i32.const 6))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)))
