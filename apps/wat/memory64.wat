;; A memory with 64-bit addresses: loads, stores, offsets, growth, copies and fills, one refused growth.
;; The WASI call still takes 32-bit pointers, so its buffers lie low.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") i64 2 64)
  (data $digits "0123456789abcdef")

  ;; Prints 16 hexadecimal digits and a line feed.
  (func $print (param $value i64)
    (local $at i64)
    (local.set $at (i64.const 80))
    (i32.store8 (local.get $at) (i32.const 10))
    (loop $digit
      (local.set $at (i64.sub (local.get $at) (i64.const 1)))
      (memory.init $digits (local.get $at) (i32.wrap_i64 (i64.and (local.get $value) (i64.const 15))) (i32.const 1))
      (local.set $value (i64.shr_u (local.get $value) (i64.const 4)))
      (br_if $digit (i64.gt_u (local.get $at) (i64.const 64))))
    (i32.store (i64.const 0) (i32.const 64))
    (i32.store (i64.const 4) (i32.const 17))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func $mix (param $sum i64) (param $value i64) (result i64)
    (i64.mul (i64.rotl (i64.xor (local.get $sum) (local.get $value)) (i64.const 23)) (i64.const 0x9e3779b97f4a7c15)))

  ;; A linked list through memory: each node holds the address of the next and a value.
  (func $build (param $count i64) (result i64)
    (local $node i64) (local $next i64)
    (local.set $node (i64.const 1024))
    (loop $more
      (i64.store offset=8 (local.get $node) (i64.mul (local.get $count) (local.get $count)))
      (i64.store (local.get $node) (local.get $next))
      (local.set $next (local.get $node))
      (local.set $node (i64.add (local.get $node) (i64.const 24)))
      (br_if $more (i64.ne (local.tee $count (i64.sub (local.get $count) (i64.const 1))) (i64.const 0))))
    (local.get $next))
  (func $walk (param $node i64) (result i64)
    (if (i64.eqz (local.get $node)) (then (return (i64.const 1))))
    (call $mix (call $walk (i64.load (local.get $node))) (i64.load offset=8 (local.get $node))))

  (func $blocks (param $turn i64) (result i64)
    (local $base i64)
    (local.set $base (i64.add (i64.const 65536) (local.get $turn)))
    (memory.fill (local.get $base) (i32.wrap_i64 (local.get $turn)) (i64.const 9000))
    (memory.copy (i64.add (local.get $base) (i64.const 77)) (i64.const 1024) (i64.const 8500))
    (memory.copy
      (i64.add (local.get $base) (i64.const 70)) (i64.add (local.get $base) (i64.const 100)) (i64.const 8200))
    (call $mix (i64.load offset=80 (local.get $base)) (i64.load offset=1101 align=1 (local.get $base))))

  (func (export "_start")
    (local $turn i64) (local $sum i64)
    (loop $next
      (local.set $sum (call $mix (local.get $sum) (call $walk (call $build (i64.const 60)))))
      (local.set $sum (call $mix (local.get $sum) (call $blocks (local.get $turn))))
      (if (i64.eqz (i64.and (local.get $turn) (i64.const 7)))
        (then (local.set $sum (call $mix (local.get $sum) (memory.grow (i64.const 1))))))
      (br_if $next (i64.lt_u (local.tee $turn (i64.add (local.get $turn) (i64.const 1))) (i64.const 40))))
    (call $print (local.get $sum))
    (call $print (memory.size))
    (call $print (memory.grow (i64.const 1000)))))
