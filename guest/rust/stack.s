# The stack pointer, which Rust has no word for. Assembled by the build and linked to every component in Rust.
	.globaltype	__stack_pointer, i32
	.globl	rtcr_set_stack_pointer
	.type	rtcr_set_stack_pointer,@function
rtcr_set_stack_pointer:
	.functype	rtcr_set_stack_pointer (i32) -> ()
	local.get	0
	global.set	__stack_pointer
	end_function
