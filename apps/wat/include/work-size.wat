  ;; The work size from the command line; behind prelude.wat.
  ;; Returns the first argument as a number, or `otherwise`. Strings are taken up to 512 bytes.
  (func $work_size (param $otherwise i32) (result i32)
    (local $at i32) (local $value i32)
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (if (i32.or (i32.lt_u (i32.load (i32.const 0)) (i32.const 2))
                (i32.or (i32.gt_u (i32.load (i32.const 0)) (i32.const 16))
                        (i32.gt_u (i32.load (i32.const 4)) (i32.const 512))))
      (then (return (local.get $otherwise))))
    (drop (call $args_get (i32.const 8) (i32.const 128)))
    (local.set $at (i32.load (i32.const 12)))
    (loop $digit
      (if (i32.load8_u (local.get $at))
        (then
          (local.set $value
            (i32.add (i32.mul (local.get $value) (i32.const 10))
                     (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $digit))))
    (local.get $value))
