;; The older exception instructions: try with catch and catch_all, rethrow from inner handlers, delegate to outer ones.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)
  (tag $number (param i32))
  (tag $pair (param i64 f64))

  (func $risky (param $i i32) (result i32)
    (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 3))) (then (throw $number (local.get $i))))
    (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 5)))
      (then (throw $pair (i64.extend_i32_u (local.get $i)) (f64.const 0.5))))
    (i32.add (local.get $i) (i32.const 1)))

  ;; A value waits on the operand stack beneath the try; both handlers and the body call.
  (func $caught (param $i i32) (result i32)
    (i32.mul (local.get $i) (i32.const 31))
    (try (result i32)
      (do (i32.add (call $risky (local.get $i)) (call $risky (i32.add (local.get $i) (i32.const 1)))))
      (catch $number (call $square))
      (catch $pair
        (i32.trunc_f64_s (f64.mul (f64.const 8)))
        (i32.wrap_i64 (i64.shl (i64.extend_i32_u) (i64.const 2)))
        (i32.add (call $square (i32.const 3)))
        (i64.extend_i32_s)
        (i64.add)
        (i32.wrap_i64))
      (catch_all (i32.const -1)))
    (i32.add))
  (func $square (param i32) (result i32)
    (i32.mul (local.get 0) (local.get 0)))

  ;; The inner handler calls and then throws the outer exception again, past its own try.
  (func $again (param $i i32)
    (try $outer
      (do (call $fold_i32 (call $risky (local.get $i))))
      (catch_all
        (try
          (do (call $fold_i32 (call $risky (i32.add (local.get $i) (i32.const 4)))))
          (catch $number
            (call $fold_i32 (call $square))
            (rethrow $outer))
          (catch_all (rethrow 0))))))

  ;; What the innermost body throws passes over the middle handler.
  (func $delegated (param $i i32) (result i32)
    (try $far (result i32)
      (do
        (try (result i32)
          (do
            (try (result i32)
              (do (call $risky (local.get $i)))
              (delegate $far)))
          (catch_all (i32.const 0xbad))))
      (catch $number (i32.sub (i32.const 0)))
      (catch $pair (drop) (i32.wrap_i64))))

  ;; A loop whose turns each end in a handler or not; counts down through recursion while exceptions are in flight.
  (func $unwind (param $depth i32) (result i32)
    (local $result i32)
    (if (i32.eqz (local.get $depth)) (then (throw $number (i32.const 500))))
    (try
      (do (local.set $result (call $unwind (i32.sub (local.get $depth) (i32.const 1)))))
      (catch $number
        (local.set $result)
        (if (i32.rem_u (local.get $depth) (i32.const 4))
          (then (throw $number (i32.add (local.get $result) (call $square (local.get $depth))))))))
    (i32.add (local.get $result) (local.get $depth)))

  (func $turns (param $i i32)
    (try
      (do (call $again (local.get $i)))
      (catch $number (call $fold_i32))
      (catch $pair (call $fold_f64) (call $fold)))
    (call $fold_i32 (call $caught (local.get $i)))
    (call $fold_i32 (call $delegated (local.get $i)))
    (call $fold_i32 (call $unwind (i32.add (i32.const 4) (i32.rem_u (local.get $i) (i32.const 13))))))

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 120)))
    (loop $next
      (call $turns (local.get $i))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)))
