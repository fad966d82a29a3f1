;; Atomics on shared memory from one thread: every width of read-modify-write, compare-exchange loops, fences, and
;; waits that end at once or after their time.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1 2 shared)

  (func $narrow (param $i i32)
    (call $fold_i32 (i32.atomic.rmw8.add_u (i32.const 2048) (local.get $i)))
    (call $fold_i32 (i32.atomic.rmw16.sub_u (i32.const 2050) (local.get $i)))
    (call $fold_i32 (i32.atomic.rmw8.xor_u (i32.const 2052) (local.get $i)))
    (call $fold_i32 (i32.atomic.rmw16.or_u (i32.const 2054) (local.get $i)))
    (call $fold_i32 (i32.atomic.rmw8.xchg_u (i32.const 2056) (local.get $i)))
    (call $fold_i32 (i32.atomic.rmw16.cmpxchg_u (i32.const 2058) (i32.const 0) (local.get $i)))
    (call $fold_i32 (i32.atomic.load8_u (i32.const 2048)))
    (i32.atomic.store16 (i32.const 2054) (local.get $i)))

  (func $wide (param $i i64)
    (call $fold (i64.atomic.rmw.add (i32.const 2064) (i64.mul (local.get $i) (i64.const 0x123456789))))
    (call $fold (i64.atomic.rmw.and (i32.const 2072) (local.get $i)))
    (call $fold (i64.atomic.rmw32.sub_u (i32.const 2080) (local.get $i)))
    (call $fold (i64.atomic.rmw8.add_u (i32.const 2088) (local.get $i)))
    (call $fold (i64.atomic.rmw16.xchg_u (i32.const 2090) (local.get $i)))
    (call $fold (i64.atomic.rmw.cmpxchg (i32.const 2096) (i64.atomic.load (i32.const 2096)) (local.get $i)))
    (i64.atomic.store32 (i32.const 2072) (i64.const -1)))

  ;; Takes a spin lock, works under it, releases it and wakes nobody.
  (func $locked (param $i i32)
    (loop $retry
      (br_if $retry (i32.atomic.rmw.cmpxchg (i32.const 2112) (i32.const 0) (i32.const 1))))
    (call $narrow (local.get $i))
    (call $wide (i64.extend_i32_u (local.get $i)))
    (atomic.fence)
    (i32.atomic.store (i32.const 2112) (i32.const 0))
    (call $fold_i32 (memory.atomic.notify (i32.const 2112) (i32.const 1))))

  ;; 1: the value is another one; 2: time passed, enough for a freeze in between
  (func $wait (param $expected i32) (result i32)
    (memory.atomic.wait32 (i32.const 2112) (local.get $expected) (i64.const 20000000)))

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 150)))
    (loop $next
      (call $locked (local.get $i))
      (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 16)))
        (then
          (call $fold_i32 (call $wait (i32.and (local.get $i) (i32.const 16))))
          (call $fold_i32 (memory.atomic.wait64 (i32.const 2120) (i64.const 0) (i64.const 20000000)))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)))
