;; Reference types: tables that grow and change while the program runs, function references in locals across calls,
;; element segments used and dropped, null references of the host.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)
  (type $step (func (param i32) (result i32)))
  (table $active (export "active") 4 64 funcref)
  (table $spare 4 funcref)
  (table $foreign 3 externref)
  (elem $steps func $add $multiply $turn $recurse)
  (elem (table $spare) (i32.const 1) func $turn $add)
  (elem declare func $mix)
  (global $favourite (export "favourite") (mut funcref) (ref.null func))

  (func $add (type $step) (i32.add (local.get 0) (i32.const 0x1f35)))
  (func $multiply (type $step) (i32.mul (local.get 0) (i32.const 0x2c1b3c6d)))
  (func $turn (type $step) (i32.rotl (local.get 0) (i32.const 7)))
  (func $mix (type $step) (i32.xor (local.get 0) (i32.shr_u (local.get 0) (i32.const 15))))
  ;; Calls what lies at the place its argument chooses, with half the argument.
  (func $recurse (type $step)
    (if (i32.lt_u (local.get 0) (i32.const 8)) (then (return (i32.const 17))))
    (i32.add
      (local.get 0)
      (call $at (i32.shr_u (local.get 0) (i32.const 1)) (i32.const 3))))

  ;; Calls place `index` of $active; a null reference counts as identity.
  (func $at (param $value i32) (param $index i32) (result i32)
    (if (ref.is_null (table.get $active (local.get $index))) (then (return (local.get $value))))
    (call_indirect $active (type $step) (local.get $value) (local.get $index)))

  ;; Exchanges two places while the reference of one of them waits in a local across a call.
  (func $exchange (param $a i32) (param $b i32)
    (local $kept funcref)
    (local.set $kept (table.get $active (local.get $a)))
    (call $fold_i32 (call $at (i32.const 77) (local.get $b)))
    (table.set $active (local.get $a) (table.get $active (local.get $b)))
    (call $fold_i32 (call $at (i32.const 78) (local.get $a)))
    (table.set $active (local.get $b) (local.get $kept)))

  (func $grow
    (call $fold_i32 (table.grow $active (ref.func $mix) (i32.const 2)))
    (table.fill $active (i32.sub (table.size $active) (i32.const 1)) (global.get $favourite) (i32.const 1))
    (global.set $favourite (table.get $active (i32.rem_u (table.size $active) (i32.const 4)))))

  (func $rotate
    (table.copy $spare $active (i32.const 0) (i32.const 0) (i32.const 4))
    (table.copy $active $active (i32.const 0) (i32.const 1) (i32.const 3))
    (table.copy $active $spare (i32.const 3) (i32.const 0) (i32.const 1)))

  (func (export "_start")
    (local $i i32) (local $n i32) (local $size i32) (local $value i32)
    (local.set $n (call $work_size (i32.const 300)))
    (table.init $active $steps (i32.const 0) (i32.const 0) (i32.const 4))
    (elem.drop $steps)
    (global.set $favourite (ref.func $turn))
    (local.set $value (i32.const 1))
    (loop $next
      (local.set $size (table.size $active))
      (local.set $value (call $at (local.get $value) (i32.rem_u (local.get $i) (local.get $size))))
      (local.set $value (i32.add (call $at (local.get $value) (i32.const 3)) (local.get $value)))
      (call $fold_i32 (local.get $value))
      (call $exchange
        (i32.rem_u (local.get $i) (local.get $size))
        (i32.rem_u (i32.mul (local.get $i) (i32.const 3)) (local.get $size)))
      (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 16))) (then (call $grow)))
      (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 9))) (then (call $rotate)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)
    (call $print (i64.extend_i32_u (table.size $active)))
    (table.set $foreign (i32.const 1) (ref.null extern))
    (call $print (i64.extend_i32_u (ref.is_null (table.get $foreign (i32.const 1)))))))
