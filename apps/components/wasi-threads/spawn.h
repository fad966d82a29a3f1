// Threads by `wasi` `thread-spawn`, for Debian's wasi-libc, which has no pthreads. A source that includes it defines
// `struct thread`, whose first word is the upper end of the thread's stack, and `void thread_main(struct thread *)`.
#pragma once
#include <stdint.h>

// Unless the program names its constructors, wasm-ld wraps each exported function in their call and that of the destructors:
// a thread that ends would write out the first thread's output once more. So a program that has constructors calls them itself.
extern void __wasm_call_ctors(void);
__attribute__((used)) static void (*const constructors)(void) = __wasm_call_ctors;

__attribute__((import_module("wasi"), import_name("thread-spawn"))) int32_t thread_spawn(struct thread *argument);
__asm__(".globaltype __stack_pointer, i32\n"
        ".functype thread_main (i32) -> ()\n"
        ".globl wasi_thread_start\n"
        ".export_name wasi_thread_start, wasi_thread_start\n"
        ".type wasi_thread_start,@function\n"
        "wasi_thread_start:\n"
        ".functype wasi_thread_start (i32, i32) -> ()\n"
        "local.get 1\n"
        "i32.load 0\n"
        "global.set __stack_pointer\n"
        "local.get 1\n"
        "call thread_main\n"
        "end_function\n");
