# A program without call frame information and without libc. A signal
# interrupts it; the trampoline is a copy of libc's.
	.text
	.globl _start
_start:
	xor %ebp, %ebp
	call first
started:
	ud2

first:
	push %rbp
pushed:
	mov %rsp, %rbp
framed:
	sub $32, %rsp
	mov $13, %eax # rt_sigaction(SIGUSR1, &action, NULL, 8)
	mov $10, %edi
	lea action(%rip), %rsi
	xor %edx, %edx
	mov $8, %r10d
	syscall
	call second
continued:
	leave
return:
	ret

second:
	endbr64
	push %rbp
	mov %rsp, %rbp
	mov $39, %eax # getpid()
	syscall
	mov %eax, %edi
	mov $10, %esi
	mov $62, %eax # kill(pid, SIGUSR1)
	syscall
killed:
	pop %rbp
	ret

handler:
	push %rbp
	mov %rsp, %rbp
	call leaf
handled:
	pop %rbp
	ret

leaf:
	nop
	ret

restorer:
	mov $15, %rax # rt_sigreturn()
trap:
	syscall

	.data
action:
	.quad handler
	.quad 0x04000000 # SA_RESTORER
	.quad restorer
	.quad 0
	.section .note.GNU-stack
