# 100 000 functions.

	.altmacro
	.macro function n
	.globl	function_number_\n
	.type	function_number_\n, @function
function_number_\n:
	ret
	.size	function_number_\n, 1
	.endm

	.text
	.set	i, 100000
	.rept	100000
	function %i
	.set	i, i+1
	.endr

	.globl	_start
_start:	int3
