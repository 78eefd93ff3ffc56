#include "textflag.h"

// func getrlimit(limit *[2]uint64)
TEXT ·getrlimit(SB), NOSPLIT, $0-8
	MOVL $97, AX // SYS_getrlimit
	MOVL $7, DI  // RLIMIT_NOFILE
	MOVQ limit+0(FP), SI
	SYSCALL
	RET
