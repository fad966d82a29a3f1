;; Threads that share a memory: each runs in a world of its own, at the same time.

(module $shared (memory (export "memory") 1 1 shared)
  (func (export "at") (param i32) (result i32) (i32.atomic.load (local.get 0))))
(thread $waiter (shared (module $shared))
  (register "shared" $shared)
  (module
    (import "shared" "memory" (memory 1 1 shared))
    (func (export "wait") (result i32)
      (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
  (assert_return (invoke "wait") (i32.const 0)))
(thread $notifier (shared (module $shared))
  (register "shared" $shared)
  (module
    (import "shared" "memory" (memory 1 1 shared))
    (func (export "notify") (result i32)
      (loop $again
        (i32.atomic.store (i32.const 4) (i32.add (i32.atomic.load (i32.const 4)) (i32.const 1)))
        (br_if $again (i32.eqz (memory.atomic.notify (i32.const 0) (i32.const 1)))))
      (i32.const 77)))
  (assert_return (invoke "notify") (i32.const 77))
  (assert_unlinkable (module (import "nobody" "memory" (memory 1 1 shared))) "unknown import"))
(wait $waiter)
(wait $notifier)
(assert_return (invoke "at" (i32.const 0)) (i32.const 0))
