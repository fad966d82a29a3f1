;; Code that can never run but must type: after br, return, unreachable and endless loops, with operands taken from an
;; empty stack; and loops, calls and blocks inside it.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)

  (func $after_branch (param $i i32) (result i32)
    block $out (result i32)
      local.get $i
      br $out
      i32.add
      call $after_branch
      loop $never (param i32) (result i32)
        call $after_branch
        i32.const 1
        br_if $never
      end
      drop
      select
    end
    i32.const 2
    i32.mul)

  (func $after_return (param $i i32) (result i32 i64)
    loop
    end
    local.get $i
    local.get $i
    i64.extend_i32_u
    return
    block (param i64) (result i32)
      i32.wrap_i64
      local.get $i
      br_if 0
      call $after_branch
    end
    i64.const 3)

  (func $after_loop (param $i i32) (result f64)
    (local $turn i32)
    loop $again
      local.get $turn
      i32.const 1
      i32.add
      local.tee $turn
      local.get $i
      i32.lt_u
      br_if $again
      local.get $turn
      call $after_branch
      f64.convert_i32_u
      return
      br $again
    end
    unreachable
    f64.mul
    local.get $turn
    br_table 0 0)

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 80)))
    (loop $next
      (call $fold_i32 (call $after_branch (local.get $i)))
      (call $after_return (local.get $i))
      (call $fold)
      (call $fold_i32)
      (call $fold_f64 (call $after_loop (local.get $i)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)))
