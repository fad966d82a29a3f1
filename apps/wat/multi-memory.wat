;; Three memories: loads and stores to each, copies between them, fills, passive segments, growth of one alone.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory $main (export "memory") 1)
  (memory $work (export "work") 2 8)
  (memory $archive 1)
  (data $text "memories are kept apart")
  (data (memory 2) (i32.const 100) "archived from the beginning")

  (func $store (param $i i32)
    (local $at i32)
    (local.set $at (i32.mul (local.get $i) (i32.const 16)))
    (i64.store $work offset=8
      (local.get $at) (i64.mul (i64.extend_i32_u (local.get $i)) (i64.const 0x9e3779b97f4a7c15)))
    (i32.store16 $archive offset=4096 (local.get $at) (local.get $i))
    (f64.store $main offset=4096 (i32.and (local.get $at) (i32.const 0x7ff8)) (f64.convert_i32_u (local.get $i))))

  (func $exchange (param $i i32)
    (memory.copy $archive $work (i32.const 8192) (i32.mul (local.get $i) (i32.const 8)) (i32.const 300))
    (memory.copy $main $archive (i32.const 40000) (i32.const 8100)
      (i32.add (i32.const 5000) (i32.and (local.get $i) (i32.const 1))))
    (memory.copy $work $main (i32.const 70000) (i32.const 39990) (i32.const 600))
    (memory.init $work $text (i32.const 70100) (i32.rem_u (local.get $i) (i32.const 9)) (i32.const 14))
    (memory.fill $archive (i32.add (i32.const 8300) (local.get $i)) (local.get $i) (i32.const 33)))

  (func $sums (param $i i32)
    (call $fold (i64.load $work (i32.add (i32.const 70000) (i32.mul (local.get $i) (i32.const 2)))))
    (call $fold (i64.load $archive (i32.add (i32.const 8192) (local.get $i))))
    (call $fold (i64.load $main (i32.add (i32.const 40000) (local.get $i))))
    (call $fold_i32 (i32.load8_s $archive (i32.add (i32.const 100) (i32.rem_u (local.get $i) (i32.const 27)))))
    (call $fold_i32 (memory.size $work)))

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 300)))
    (loop $next
      (call $store (local.get $i))
      (call $exchange (local.get $i))
      (call $sums (local.get $i))
      (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 40)))
        (then (call $fold_i32 (memory.grow $work (i32.const 1)))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)
    (call $print (i64.extend_i32_u (memory.size $work)))
    (call $print (i64.extend_i32_u (memory.size $archive)))))
