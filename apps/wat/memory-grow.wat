;; Memory that grows while the program runs: new pages are zero, old ones keep their content, the limit is met.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1 24)

  ;; Writes into the last page and checks that it was zero before; returns how many bytes were not.
  (func $use_page (param $page i32) (result i32)
    (local $at i32) (local $end i32) (local $dirty i32)
    (local.set $at (i32.shl (local.get $page) (i32.const 16)))
    (local.set $end (i32.add (local.get $at) (i32.const 65536)))
    (loop $next
      (local.set $dirty (i32.add (local.get $dirty) (i32.ne (i32.load8_u (local.get $at)) (i32.const 0))))
      (i32.store8 (local.get $at) (i32.or (local.get $page) (i32.const 64)))
      (local.set $at (i32.add (local.get $at) (i32.const 601)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $dirty))

  (func (export "_start")
    (local $page i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 30)))
    (loop $next
      (local.set $page (memory.grow (i32.const 1)))
      (call $fold_i32 (local.get $page))
      (if (i32.ge_s (local.get $page) (i32.const 0)) (then (call $fold_i32 (call $use_page (local.get $page)))))
      (call $fold_i32 (i32.load8_u (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 27))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $print_sum)
    (call $print (i64.extend_i32_u (memory.size)))))
