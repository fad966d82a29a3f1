;; Typed function references: call_ref and return_call_ref, references in locals, parameters, globals and a typed table,
;; branches on null.
(module
  (type $unary (func (param i32) (result i32)))
  (type $visitor (func (param (ref $unary) i32) (result i32)))
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)
  (table $steps 8 (ref null $unary))
  (global $default (mut (ref null $unary)) (ref.null $unary))
  (elem declare func $add $triple $descend $twice $thrice)

  (func $add (type $unary) (i32.add (local.get 0) (i32.const 11)))
  (func $triple (type $unary) (i32.mul (local.get 0) (i32.const 3)))
  (func $twice (type $visitor)
    (call_ref $unary (call_ref $unary (local.get 1) (local.get 0)) (local.get 0)))
  (func $thrice (type $visitor)
    (local $kept (ref $unary))
    (local.set $kept (local.get 0))
    (return_call_ref $unary (call $twice (local.get $kept) (local.get 1)) (local.get $kept)))
  ;; Each level keeps a reference alive across the call to the next.
  (func $descend (type $unary)
    (local $step (ref null $unary))
    (local.set $step (table.get $steps (i32.and (local.get 0) (i32.const 7))))
    (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (i32.const 5))))
    (i32.xor
      (call $descend (i32.shr_u (local.get 0) (i32.const 1)))
      (call $apply (local.get $step) (i32.shr_u (local.get 0) (i32.const 2)))))

  ;; Calls `step`, or the default, or returns the value unchanged when both are null.
  (func $apply (param $step (ref null $unary)) (param $value i32) (result i32)
    (block $missing
      (return (call_ref $unary (local.get $value) (br_on_null $missing (local.get $step)))))
    (block $found (result (ref $unary))
      (br_on_non_null $found (global.get $default))
      (return (local.get $value)))
    (local.set $step)
    (call_ref $unary (local.get $value) (ref.as_non_null (local.get $step))))

  (func $visit (param $visitor (ref null $visitor)) (param $i i32) (result i32)
    (call_ref $visitor
      (ref.as_non_null (table.get $steps (i32.rem_u (local.get $i) (i32.const 3))))
      (local.get $i)
      (ref.as_non_null (local.get $visitor))))

  (func (export "_start")
    (local $i i32) (local $n i32) (local $visitor (ref null $visitor))
    (local.set $n (call $work_size (i32.const 80)))
    (table.set $steps (i32.const 0) (ref.func $add))
    (table.set $steps (i32.const 1) (ref.func $triple))
    (table.set $steps (i32.const 2) (ref.func $descend))
    (table.set $steps (i32.const 5) (ref.func $descend))
    (loop $next
      (if (i32.eq (local.get $i) (i32.const 50)) (then (global.set $default (ref.func $descend))))
      (local.set $visitor (ref.func $twice))
      (if (i32.and (local.get $i) (i32.const 2)) (then (local.set $visitor (ref.func $thrice))))
      (call $fold_i32 (call $visit (local.get $visitor) (local.get $i)))
      (call $fold_i32 (call $descend (local.get $i)))
      (call $fold_i32 (call $apply (table.get $steps (i32.and (local.get $i) (i32.const 7))) (local.get $i)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_s (local.get $i) (local.get $n))))
    (call $print_sum)))
