;; Bulk memory: fills and copies of several pages, overlapping in both directions; passive segments, dropped at the end.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 8)
  (data $digits "0123456789abcdef")
  (data $words "frozen thawed saved restored moved ")
  (global $page i32 (i32.const 0x10000))

  ;; Writes a number of its own into every `step` bytes of [from, to).
  (func $mark (param $from i32) (param $to i32) (param $step i32)
    (loop $next
      (i32.store (local.get $from) (i32.mul (local.get $from) (i32.const 0x9e3779b1)))
      (local.set $from (i32.add (local.get $from) (local.get $step)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $to)))))

  (func $sum_of (param $from i32) (param $to i32) (param $step i32)
    (loop $next
      (call $fold (i64.load (local.get $from)))
      (local.set $from (i32.add (local.get $from) (local.get $step)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $to)))))

  ;; Copies a segment behind itself until it fills `count` pieces, then folds it.
  (func $repeat_segments (param $at i32) (param $count i32)
    (local $i i32) (local $to i32)
    (loop $next
      (local.set $to (i32.add (local.get $at) (i32.mul (local.get $i) (i32.const 51))))
      (memory.init $digits (local.get $to) (i32.rem_u (local.get $i) (i32.const 8)) (i32.const 8))
      (memory.init $words (i32.add (local.get $to) (i32.const 16)) (i32.const 0) (i32.const 35))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count))))
    (call $sum_of (local.get $at) (i32.add (local.get $to) (i32.const 43)) (i32.const 8)))

  ;; One round of large operations; `shift` moves the borders off any alignment.
  (func $large (param $shift i32)
    (local $base i32)
    (local.set $base (i32.add (global.get $page) (local.get $shift)))
    (memory.fill (local.get $base) (local.get $shift) (i32.mul (global.get $page) (i32.const 5)))
    (call $mark
      (local.get $base) (i32.add (local.get $base) (i32.mul (global.get $page) (i32.const 3))) (i32.const 1031))
    ;; upwards by less than the length, then downwards by less than the length
    (memory.copy
      (i32.add (local.get $base) (i32.const 18757)) (local.get $base) (i32.mul (global.get $page) (i32.const 3)))
    (memory.copy
      (i32.add (local.get $base) (i32.const 1003)) (i32.add (local.get $base) (i32.const 31259))
      (i32.mul (global.get $page) (i32.const 3)))
    (call $sum_of
      (local.get $base) (i32.add (local.get $base) (i32.mul (global.get $page) (i32.const 4))) (i32.const 617)))

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 2)))
    (loop $next
      (call $large (i32.add (i32.mul (local.get $i) (i32.const 13)) (i32.const 5)))
      (call $print_sum)
      (call $repeat_segments (i32.add (i32.const 4096) (local.get $i)) (i32.const 60))
      (call $print_sum)
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (data.drop $digits)
    (data.drop $words)
    ;; a dropped segment still has its first zero bytes
    (memory.init $digits (i32.const 2048) (i32.const 0) (i32.const 0))
    (call $large (i32.const 1))
    (call $print_sum)))
