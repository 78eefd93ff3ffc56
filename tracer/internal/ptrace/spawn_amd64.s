#include "go_asm.h"
#include "textflag.h"

// The child shares this program's memory, so it must touch nothing but its orders, and
// neither a stack nor the Go runtime's registers are its own. What it needs are system
// calls, which leave alone all registers but AX, CX and R11.

// func clone(flags uintptr, o *orders) (pid uintptr)
TEXT ·clone(SB), NOSPLIT, $0-24
	MOVQ flags+0(FP), DI
	MOVQ o+8(FP), R12
	XORL SI, SI
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	MOVL $56, AX // SYS_clone
	SYSCALL
	TESTQ AX, AX
	JZ child
	MOVQ AX, pid+16(FP)
	RET

child:
	// Until it is traced, it dies with the thread that has made it.
	MOVL $157, AX // SYS_prctl
	MOVL $1, DI   // PR_SET_PDEATHSIG
	MOVL $9, SI   // SIGKILL
	SYSCALL
	MOVL $110, AX // SYS_getppid
	SYSCALL
	TESTQ AX, AX  // 0 if the parent is in another PID namespace
	JLE wait
	CMPQ AX, orders_parent(R12)
	JNE exit      // it has gone already

wait:
	MOVL orders_released(R12), AX
	TESTL AX, AX
	JNZ begin
	LEAQ orders_released(R12), DI
	MOVL $128, SI // FUTEX_WAIT_PRIVATE
	XORL DX, DX   // as long as it is 0
	XORL R10, R10
	MOVL $202, AX // SYS_futex
	SYSCALL
	JMP wait

begin:
	LEAQ orders_calls(R12), R13

next:
	MOVQ (call_args+0)(R13), DI
	MOVQ (call_args+8)(R13), SI
	MOVQ (call_args+16)(R13), DX
	MOVQ (call_args+24)(R13), R10
	MOVQ (call_args+32)(R13), R8
	MOVQ (call_args+40)(R13), R9
	MOVQ call_nr(R13), AX
	SYSCALL
	CMPQ AX, $-4095
	JCS done
	CMPQ call_optional(R13), $0
	JEQ failed

done:
	ADDQ $call__size, R13
	JMP next

failed:
	NEGQ AX
	MOVQ AX, orders_errno(R12)
	MOVQ call_nr(R13), AX
	MOVQ AX, orders_failed(R12)

exit:
	MOVL $60, AX // SYS_exit
	MOVL $253, DI
	SYSCALL
	JMP exit
