;; The older exception instructions: try, catch, catch_all, rethrow, delegate.

(module
  (tag $a (param i32))
  (tag $b)
  (func $spin (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func $throw (param i32)
    (call $spin (i32.const 3))
    (if (i32.eqz (local.get 0)) (then (throw $b)))
    (if (i32.lt_s (local.get 0) (i32.const 50)) (then (throw $a (local.get 0)))))
  (func (export "catch") (param i32) (result i32)
    (try (result i32)
      (do (call $throw (local.get 0)) (i32.const -1))
      (catch $a (call $spin (i32.const 2)))
      (catch_all (call $spin (i32.const 2)) (i32.const -2))))
  (func (export "rethrow") (param i32) (result i32)
    (try (result i32)
      (do
        (try (result i32)
          (do (call $throw (local.get 0)) (i32.const -1))
          (catch $a (call $spin (i32.const 4)) (rethrow 0))))
      (catch $a (i32.add (i32.const 1000)))))
  (func (export "delegate") (param i32) (result i32)
    (try $outer (result i32)
      (do
        (try (result i32)
          (do (try (result i32) (do (call $throw (local.get 0)) (i32.const -1)) (delegate $outer)))
          (catch_all (i32.const 77))))
      (catch $a)))
  (func (export "cleanup") (param i32) (result i32) (local i32)
    (try
      (do
        (try
          (do (call $throw (local.get 0)))
          (catch_all (local.set 1 (i32.const 5)) (call $spin (i32.const 2)) (rethrow 0))))
      (catch $a (local.set 1 (i32.add (local.get 1)))))
    (local.get 1)))

(assert_return (invoke "catch" (i32.const 7)) (i32.const 7))
(assert_return (invoke "catch" (i32.const 0)) (i32.const -2))
(assert_return (invoke "catch" (i32.const 50)) (i32.const -1))
(assert_return (invoke "rethrow" (i32.const 8)) (i32.const 1008))
(assert_exception (invoke "rethrow" (i32.const 0)))
(assert_return (invoke "delegate" (i32.const 6)) (i32.const 6))
(assert_exception (invoke "delegate" (i32.const 0)))
(assert_return (invoke "cleanup" (i32.const 3)) (i32.const 8))
(assert_exception (invoke "cleanup" (i32.const 0)))
(assert_return (invoke "cleanup" (i32.const 60)) (i32.const 0))
