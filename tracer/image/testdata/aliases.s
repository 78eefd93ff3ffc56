# Symbols of all kinds at the same and at overlapping addresses.

	.text
	.globl	_start
	.type	_start, @function
_start:	ret
	.size	_start, .-_start

# Labels without type and size.
	.balign	16
	.globl	bare
bare:	nop
	nop
local_bare:
	ret

# One function by many names, the best of them global, without underscores,
# short.
	.balign	16
	.globl	__best, best_of_all, best, _best
	.weak	best_weak
	.type	__best, @function
	.type	_best, @function
	.type	best_of_all, @function
	.type	best, @function
	.type	best_weak, @function
	.type	b, @function
	.globl	bes
	.type	bes, @object
__best:
_best:
best_of_all:
best:
best_weak:
b:
bes:
	ret
	.size	__best, .-__best
	.size	_best, .-_best
	.size	best_of_all, .-best_of_all
	.size	best, .-best
	.size	best_weak, .-best_weak
	.size	b, .-b
	.size	bes, .-bes

# A function with a label and another function within, and one that starts in
# it and ends behind it.
	.balign	16
	.globl	outer
	.type	outer, @function
outer:	nop
label:	nop
	.type	inner, @function
inner:	nop
	nop
	.size	inner, .-inner
	nop
	.type	across, @function
across:	nop
	.size	outer, .-outer
	nop
	.size	across, .-across
	nop

# A long local alias of a short global function.
	.balign	16
	.globl	short
	.type	short, @function
	.type	long, @function
short:
long:	nop
	.size	short, .-short
	nop
	.size	long, .-long

# An indirect function, and the last label of its section.
	.balign	16
	.globl	indirect
	.type	indirect, @gnu_indirect_function
indirect:
	ret
	.size	indirect, .-indirect
	.globl	last
last:	nop
	nop
	.globl	end_of_text
end_of_text:

	.section .other, "ax"
	.balign	64
other:	nop

	.data
	.globl	variable
	.type	variable, @object
variable:
	.quad	0
	.size	variable, .-variable

	.section .tdata, "awT"
	.globl	per_thread
	.type	per_thread, @object
	.quad	0
per_thread:
	.quad	0
	.size	per_thread, .-per_thread

	.globl	absolute
	absolute = 0x1234
