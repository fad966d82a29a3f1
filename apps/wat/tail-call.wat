;; Tail calls: mutual recursion far deeper than any stack, state machines through a table, calls in tail position with
;; other parameters than the caller's, and of an imported function.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)
  (type $state (func (param i32 i64) (result i64)))
  (table funcref (elem $red $green $blue))

  (func $even (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
    (return_call $odd (i32.sub (local.get $n) (i32.const 1))))
  (func $odd (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
    (return_call $even (i32.sub (local.get $n) (i32.const 1))))

  (func $red (type $state)
    (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
    (return_call_indirect (type $state)
      (i32.sub (local.get 0) (i32.const 1))
      (i64.add (local.get 1) (i64.extend_i32_u (local.get 0)))
      (i32.and (local.get 0) (i32.const 1))))
  (func $green (type $state)
    (return_call_indirect (type $state)
      (local.get 0)
      (i64.rotl (local.get 1) (i64.const 3))
      (i32.shl (i32.and (i32.wrap_i64 (local.get 1)) (i32.const 1)) (i32.const 1))))
  (func $blue (type $state)
    (local $kept i64)
    (local.set $kept (i64.xor (local.get 1) (i64.const 0x5555)))
    (call $fold (local.get $kept)) ;; an ordinary call before the tail call
    (return_call $red (local.get 0) (local.get $kept)))

  ;; Sums n, n - 1, ... 1 and returns in tail position a call with fewer parameters.
  (func $total (param $n i32) (param $sum i64) (param $scale f64) (result f64)
    (if (i32.eqz (local.get $n)) (then (return_call $scaled (local.get $sum) (local.get $scale))))
    (return_call $total
      (i32.sub (local.get $n) (i32.const 1))
      (i64.add (local.get $sum) (i64.extend_i32_u (local.get $n)))
      (f64.mul (local.get $scale) (f64.const 1.0001))))
  (func $scaled (param $sum i64) (param $scale f64) (result f64)
    (f64.mul (f64.convert_i64_s (local.get $sum)) (local.get $scale)))

  (func $write_mark (param $letter i32) (result i32)
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 2))
    (i32.store16 (i32.const 16) (i32.or (local.get $letter) (i32.const 0x0a00)))
    (return_call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))

  (func (export "_start")
    (local $n i32)
    (local.set $n (call $work_size (i32.const 100000)))
    (call $print (i64.extend_i32_u (call $even (local.get $n))))
    (call $print (call $red (local.get $n) (i64.const 1)))
    (call $fold_f64 (call $total (local.get $n) (i64.const 0) (f64.const 1)))
    (call $print_sum)
    (drop (call $write_mark (i32.const 0x2e)))))
