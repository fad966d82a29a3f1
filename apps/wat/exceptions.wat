;; Exceptions with exnref: all four kinds of catch clause, payloads of every numeric type, throws from calls inside
;; loops, references to exceptions that live across calls before they are thrown again.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  ;; include fold-v128.wat
  (memory (export "memory") 1)
  (tag $empty)
  (tag $number (param i32))
  (tag $all (param i32 i64 f32 f64 v128))
  (tag $pair (export "pair") (param i64 f64))

  ;; Throws one of the four, chosen by `i`; returns `i` for every fifth.
  (func $risky (param $i i32) (result i32)
    (block $none (block $pair (block $all (block $number (block $empty
      (br_table $empty $number $all $pair $none (i32.rem_u (local.get $i) (i32.const 5))))
      (throw $empty))
      (throw $number (local.get $i)))
      (throw $all
        (local.get $i)
        (i64.mul (i64.extend_i32_u (local.get $i)) (i64.const 0x100000001))
        (f32.convert_i32_u (local.get $i))
        (f64.div (f64.convert_i32_u (local.get $i)) (f64.const 3))
        (i32x4.splat (local.get $i))))
      (throw $pair (i64.extend_i32_u (local.get $i)) (f64.const 2.5)))
    (local.get $i))

  ;; Folds what $risky throws; clauses for three tags and one for all others.
  (func $caught (param $i i32)
    (block $other
      (block $payload_all (result i32 i64 f32 f64 v128)
        (block $payload_number (result i32)
          (block $nothing
            (call $fold_i32
              (try_table (result i32)
                  (catch $empty $nothing) (catch $number $payload_number) (catch $all $payload_all) (catch_all $other)
                (call $risky (local.get $i))))
            (return))
          (call $fold_i32 (i32.const -1))
          (return))
        (call $fold_i32)
        (return))
      (call $fold_v128)
      (call $fold_f64)
      (call $fold_f32)
      (call $fold)
      (call $fold_i32)
      (return))
    (call $fold_i32 (i32.const -2)))

  ;; Catches with a reference, keeps it across calls, throws it again.
  (func $again (param $i i32)
    (local $kept exnref)
    (block $any (result exnref)
      (block $number (result i32 exnref)
        (drop (try_table (result i32) (catch_ref $number $number) (catch_all_ref $any)
          (call $risky (local.get $i))))
        (return))
      (local.set $kept)
      (call $fold_i32)
      (call $caught (i32.add (local.get $i) (i32.const 1)))
      (throw_ref (local.get $kept)))
    (local.set $kept)
    (call $caught (i32.add (local.get $i) (i32.const 2)))
    (throw_ref (local.get $kept)))

  ;; The references that $again throws arrive here with their payloads.
  (func $outer (param $i i32)
    (block $done
      (block $pair (result i64 f64)
        (block $number (result i32)
          (try_table (catch $number $number) (catch $pair $pair) (catch_all $done)
            (call $again (local.get $i)))
          (br $done))
        (call $fold_i32)
        (br $done))
      (call $fold_f64)
      (call $fold))
    (call $caught (local.get $i)))

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 150)))
    (loop $next
      (call $caught (local.get $i))
      (call $outer (local.get $i))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)))
