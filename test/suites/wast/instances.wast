;; One definition, several instances, each with a state of its own.

(module definition $counter
  (global $n (mut i64) (i64.const 0))
  (func (export "up") (param i32) (result i64)
    (loop $next
      (global.set $n (i64.add (global.get $n) (i64.const 1)))
      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (global.get $n)))
(module instance $a $counter)
(module instance $b $counter)
(assert_return (invoke $a "up" (i32.const 20)) (i64.const 20))
(assert_return (invoke $b "up" (i32.const 15)) (i64.const 15))
(assert_return (invoke $a "up" (i32.const 1)) (i64.const 21))
(register "a" $a)
(module
  (import "a" "up" (func $up (param i32) (result i64)))
  (func (export "twice") (result i64) (i64.add (call $up (i32.const 2)) (call $up (i32.const 2)))))
(assert_return (invoke "twice") (i64.const 48))
