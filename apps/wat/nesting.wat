;; Blocks, loops and ifs in one another, with parameters and results, and operands of all types that wait on the stack
;; at every level while a call or a loop runs above them.
(module
  ;; include prelude.wat
  ;; include work-size.wat
  (memory (export "memory") 1)
  (global $more (mut i32) (i32.const 0))

  (func $depth (param $n i32) (result i32)
    (if (result i32) (local.get $n)
      (then (i32.add (i32.const 1) (call $depth (i32.sub (local.get $n) (i32.const 1)))))
      (else (i32.const 0))))

  ;; The loop keeps its running values as parameters; two more wait beneath it.
  (func $loop_values (param $n i32) (result i64)
    i64.const 1000
    f64.const 0.75
    local.get $n
    i64.const 0
    loop $next (param i32 i64) (result i32 i64)
      call $step
      global.get $more
      br_if $next
    end
    call $combine
    f64.convert_i64_s
    f64.add
    i64.trunc_f64_s
    i64.add)
  (func $step (param $left i32) (param $total i64) (result i32 i64)
    (global.set $more (i32.gt_s (local.get $left) (i32.const 1)))
    (i32.sub (local.get $left) (i32.const 1))
    (i64.add (i64.mul (local.get $total) (i64.const 3)) (i64.extend_i32_s (local.get $left))))
  (func $combine (param $left i32) (param $total i64) (result i64)
    (i64.xor (i64.extend_i32_s (i32.add (local.get $left) (call $depth (i32.const 3)))) (local.get $total)))

  ;; Six levels; each finds operands of the levels around it beneath its own and leaves them there.
  (func $levels (param $i i32) (result i64)
    (local $turn i32)
    local.get $i
    i64.extend_i32_u
    block $a (param i64) (result i64)
      f64.const 1.5
      block $b (param i64 f64) (result i64 f64)
        i32.const 3
        loop $c (param i64 f64 i32) (result i64 f64)
          local.get $i
          i32.const 1
          i32.and
          if $d (param i32) (result i32)
            f32.const 0.25
            i32.const 10
            block $e (param f32 i32) (result f32 i32)
              local.get $i
              i32.const 2
              i32.and
              if $f (param f32 i32) (result f32 i32)
                local.get $i
                i32.const 7
                i32.and
                call $depth
                i32.add
              else
                local.get $i
                i32.const 4
                i32.and
                br_if $e
                i32.const 2
                call $depth
                i32.sub
              end
            end
            f32.convert_i32_s
            f32.add
            i32.trunc_f32_s
            i32.add
          else
            local.get $turn
            call $depth
            i32.mul
          end
          local.tee $i
          f64.convert_i32_s
          f64.add
          local.get $turn
          i32.const 1
          i32.add
          local.tee $turn
          i32.const 4
          i32.eq
          br_if $b
          local.get $i
          local.get $turn
          i32.add
          local.tee $i
          br $c
        end
      end
      i64.trunc_f64_s
      i64.const 100
      call $combine_sums
      local.get $turn
      br_if $a
      drop
      i64.const -1
    end)
  (func $combine_sums (param i64 i64 i64) (result i64)
    (i64.add (i64.mul (local.get 0) (i64.const 31)) (i64.sub (local.get 1) (local.get 2))))

  ;; Arguments of one call that are themselves calls, three deep, with operands to the left of each.
  (func $arguments (param $i i32) (result i64)
    (call $combine_sums
      (i64.extend_i32_u (call $depth (i32.add (i32.const 1) (call $depth (i32.and (local.get $i) (i32.const 3))))))
      (call $combine_sums
        (i64.const 5)
        (i64.extend_i32_u (call $depth (i32.and (local.get $i) (i32.const 7))))
        (call $loop_values (i32.and (local.get $i) (i32.const 7))))
      (i64.mul (i64.extend_i32_u (local.get $i)) (call $loop_values (i32.const 4)))))

  (func (export "_start")
    (local $i i32) (local $n i32)
    (local.set $n (call $work_size (i32.const 60)))
    (loop $next
      (call $fold (call $loop_values (local.get $i)))
      (call $fold (call $levels (local.get $i)))
      (call $fold (call $arguments (local.get $i)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (call $print_sum)))
