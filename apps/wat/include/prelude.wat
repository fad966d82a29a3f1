  ;; What the WAT programs share: a checksum, a line of output, and imports for those that are given a work size.
  ;; The first 1,024 bytes of memory 0 belong to it. A program defines and exports that memory itself.
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))

  (global $sum (mut i64) (i64.const 0))

  ;; Folds a value into the checksum.
  (func $fold (param $value i64)
    (global.set $sum
      (i64.mul
        (i64.rotl (i64.xor (global.get $sum) (local.get $value)) (i64.const 23))
        (i64.const 0x9e3779b97f4a7c15))))
  (func $fold_i32 (param $value i32)
    (call $fold (i64.extend_i32_s (local.get $value))))
  (func $fold_f32 (param $value f32)
    (call $fold_i32 (i32.reinterpret_f32 (local.get $value))))
  (func $fold_f64 (param $value f64)
    (call $fold (i64.reinterpret_f64 (local.get $value))))

  ;; Prints a number and a line feed, digits from the end of the buffer at 64..95.
  (func $print (param $value i64)
    (local $at i32) (local $rest i64)
    (local.set $at (i32.const 95))
    (i32.store8 (local.get $at) (i32.const 10))
    (local.set $rest
      (select
        (i64.sub (i64.const 0) (local.get $value))
        (local.get $value)
        (i64.lt_s (local.get $value) (i64.const 0))))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $rest) (i64.const 10)))))
      (local.set $rest (i64.div_u (local.get $rest) (i64.const 10)))
      (br_if $digit (i64.ne (local.get $rest) (i64.const 0))))
    (if (i64.lt_s (local.get $value) (i64.const 0))
      (then
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (i32.store8 (local.get $at) (i32.const 45))))
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (i32.sub (i32.const 96) (local.get $at)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  ;; Prints the checksum and starts a new one.
  (func $print_sum
    (call $print (global.get $sum))
    (global.set $sum (i64.const 0)))
