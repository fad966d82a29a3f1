;; A start function that works for a long time before _start is called: it fills memory, a table and globals.
;; It may not call WASI yet, so its size is fixed.
(module
  ;; include prelude.wat
  (memory (export "memory") 1)
  (type $scale (func (param i64) (result i64)))
  (table $scales 4 funcref)
  (elem declare func $double $triple)
  (global $prepared (mut i64) (i64.const 0))
  (start $prepare)

  (func $double (type $scale) (i64.shl (local.get 0) (i64.const 1)))
  (func $triple (type $scale) (i64.mul (local.get 0) (i64.const 3)))

  (func $collatz (param $n i64) (result i64)
    (if (i64.le_u (local.get $n) (i64.const 1)) (then (return (i64.const 0))))
    (i64.add
      (i64.const 1)
      (call $collatz
        (if (result i64) (i64.eqz (i64.and (local.get $n) (i64.const 1)))
          (then (i64.shr_u (local.get $n) (i64.const 1)))
          (else (i64.add (call $triple (local.get $n)) (i64.const 1)))))))

  (func $prepare
    (local $i i32)
    (loop $next
      (i64.store offset=1024 (i32.mul (local.get $i) (i32.const 8)) (call $collatz (i64.extend_i32_u (local.get $i))))
      (global.set $prepared
        (i64.add (global.get $prepared) (i64.load offset=1024 (i32.mul (local.get $i) (i32.const 8)))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 80))))
    (table.set $scales (i32.const 2) (ref.func $double))
    (table.set $scales (i32.const 3) (ref.func $triple)))

  (func (export "_start")
    (local $i i32)
    (call $print (global.get $prepared))
    (loop $next
      (call $fold
        (call_indirect $scales (type $scale)
          (i64.load offset=1024 (i32.mul (local.get $i) (i32.const 8)))
          (i32.or (i32.const 2) (i32.and (local.get $i) (i32.const 1)))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 80))))
    (call $print_sum)))
