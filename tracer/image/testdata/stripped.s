# A program whose start is none of crt1.o's.
	.globl _start
_start:	mov $60, %eax
	xor %edi, %edi
	syscall
