// Instructions to set breakpoints on: detours SCENE [N].
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static char **args;
volatile long total; // turns of mix that were made
static volatile int wrong;

// mix computes something in n turns and leaves it in buf too, which has 64 bytes.
// same is another copy of it, without breakpoints.
long mix(long n, unsigned char *buf);
long same(long n, unsigned char *buf);
asm(".data; .balign 8; factor: .quad 12345; table: .quad 3, 5, 7, 11; .text\n"
    ".macro mixer name\n"
    ".globl \\name; .type \\name, @function\n"
    "\\name:         push %rbx; push %r12; mov %rdi, %r10; xor %eax, %eax\n"
    "\\name\\()_lea:    lea table(%rip), %rbx\n"
    "\\name\\()_turn:   mov %rax, %rdx\n"
    "\\name\\()_load:   add factor(%rip), %rax\n"
    "\\name\\()_and:    and $3, %edx\n"
    "\\name\\()_table:  imul (%rbx,%rdx,8), %rax\n"
    "\\name\\()_shift:  rol $7, %rax\n"
    "                   mov %rsi, %rdi; mov $8, %ecx\n"
    "\\name\\()_string: rep stosq\n"
    "\\name\\()_store:  mov %r10b, 5(%rsi)\n"
    "\\name\\()_add:    add (%rsi), %rax\n"
    "\\name\\()_carry:  adc $77, %rax\n"
    "\\name\\()_flags:  pushf; pop %r12; and $0xd5, %r12d\n"
    "\\name\\()_swap:   xchg %r12, (%rsi)\n"
    "\\name\\()_xor:    xor 32(%rsi), %rax\n"
    "\\name\\()_call:   call \\name\\()_inner\n"
    "\\name\\()_sub:    sub $1, %r10\n"
    "\\name\\()_loop:   jnz \\name\\()_turn\n"
    "\\name\\()_jump:   jmp *ends_\\name(%rip)\n"
    "\\name\\()_inner:  cmovb (%rsi), %rax\n"
    "\\name\\()_return: ret\n"
    "\\name\\()_end:    pop %r12; pop %rbx; ret\n"
    ".size \\name, .-\\name\n"
    ".data; ends_\\name: .quad \\name\\()_end; .text\n"
    ".endm\n"
    "mixer mix\n"
    "mixer same\n");

static void try(long n) {
	unsigned char a[64], b[64];
	if (mix(n, a) != same(n, b) || memcmp(a, b, sizeof a) != 0)
		wrong = 1;
	__atomic_add_fetch(&total, n, __ATOMIC_SEQ_CST);
}

static void *worker(void *n) {
	for (long i = 0; i < (long)n; i++)
		try(3);
	return NULL;
}

static void workers(long n) {
	pthread_t t[4];
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, worker, (void *)n);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static int plain(long n) { worker((void *)n); return wrong; }

static int threads(long n) { workers(n); return wrong; }

// Signals that the tracer passes on quietly, and one that it stops for. Each comes
// again some time after its handler is done.
static const int sigs[] = {SIGPROF, SIGVTALRM, SIGUSR1};
static timer_t timers[3];

static void again(int i) {
	struct itimerspec soon = {{0, 0}, {0, 700000 + 170000 * i}};
	timer_settime(timers[i], 0, &soon, NULL);
}

static void on_signal(int sig) {
	try(1);
	for (int i = 0; i < 3; i++)
		if (sigs[i] == sig)
			again(i);
}

static int storm(long n) {
	for (int i = 0; i < 3; i++) {
		struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
		struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = sigs[i]};
		sigaction(sigs[i], &act, NULL);
		timer_create(CLOCK_MONOTONIC, &event, &timers[i]);
		again(i);
	}
	workers(n);
	return wrong;
}

// Instructions that fault, each of which a handler repairs.
void fault_load(long *p, long *q, long d), fault_division(long *p, long *q, long d), fault_alignment(long *p, long *q, long d);
asm(".globl fault_load, fault_division, fault_alignment\n"
    "fault_load: mov (%rdi), %rax; ret\n"
    "fault_division: mov %rdx, %rcx; mov $1, %eax; cqo\n"
    "fault_divide: idiv %rcx; ret\n"
    "fault_alignment: movaps 1(%rsi), %xmm0; ret\n"
    ".globl fault_divide\n");
extern char fault_divide[];

static long words[4] __attribute__((aligned(16)));
static int faults;

static void repair(int sig, siginfo_t *info, void *context) {
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	char *pc = (char *)regs[REG_RIP], *addr = info->si_addr;
	int good = 0;
	if (sig == SIGFPE) {
		good = pc == fault_divide && addr == pc && info->si_code == FPE_INTDIV;
		regs[REG_RCX] = 1;
	} else if (addr != NULL) {
		good = pc == (char *)fault_load && addr == (char *)64 && regs[REG_CR2] == 64;
		regs[REG_RDI] = (long)words;
	} else {
		good = pc == (char *)fault_alignment;
		regs[REG_RSI] = (long)words - 1;
	}
	wrong |= !good;
	faults++;
}

static int fault(long n) {
	struct sigaction act = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGFPE, &act, NULL);
	fault_load(words, words, 1); // once without a fault
	fault_load((long *)64, words, 1);
	fault_division(words, words, 0);
	fault_alignment(words, words, 1);
	return wrong ? 100 : faults;
}

static int dofork(long n) {
	int status;
	try(1);
	if (fork() == 0) {
		try(1);
		_exit(wrong);
	}
	try(1);
	wait(&status);
	return wrong || status != 0;
}

static int exec(long n) {
	try(1);
	execl(args[0], args[0], "plain", "3", NULL);
	return 100;
}

// From now on mapping memory kills.
static int sandbox(long n) {
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog filter = {sizeof code / sizeof code[0], code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		return errno;
	try(n);
	return wrong;
}

// A restartable sequence. It returns 1 if it was aborted.
static int once(long *sum) {
	long aborted = 0;
	asm volatile(
		".pushsection __rseq_cs, \"aw\"\n"
		".balign 32\n"
		"0: .long 0, 0; .quad 1f, 2f - 1f, 3f\n"
		".popsection\n"
		"lea 0b(%%rip), %%rax\n"
		"mov %%rax, %%fs:8(%1)\n"
		"1: mov (%2), %%rax\n"
		".globl sequence_middle; sequence_middle: cqo\n"
		"add $1, %%rax\n"
		".globl sequence_commit; sequence_commit: mov %%rax, (%2)\n"
		".globl sequence_after; 2: sequence_after: cqo\n"
		"jmp 4f\n"
		".byte 0x0f, 0xb9, 0x3d; .long 0x53053053\n"
		"3: mov $1, %0\n"
		"4:"
		: "+r"(aborted) : "r"((long)__rseq_offset), "r"(sum) : "rax", "rdx", "memory");
	return aborted;
}

// It exits with how many of n sequences were aborted.
static int sequence(long n) {
	long sum = 0;
	int aborted = 0;
	for (long i = 0; i < n; i++)
		aborted += once(&sum);
	return sum == n - aborted ? aborted : 100;
}

// 3000 instructions that are not emulated.
void many(void);
asm(".globl many, many_end\n"
    "many: .rept 3000; rol %eax; .endr\n"
    "many_end: ret\n");

static int domany(long n) { many(); return 0; }

// Instructions that the program changes, from their second byte on.
long patched_move(long n), patched_multiply(long n);
asm(".balign 4096\n"
    ".globl patched_move, patched_multiply\n"
    "patched_move: mov $1, %eax; ret\n"
    "patched_multiply: imul $0x11111111, %rdi, %rax; ret\n"
    ".balign 4096\n");

static int patch(long n) {
	if (mprotect((void *)patched_move, 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
		return errno;
	for (int i = 0; i < n; i++) {
		memcpy((char *)patched_move + 1, &i, sizeof i);
		memcpy((char *)patched_multiply + 3, &i, sizeof i);
		if (patched_move(i) != i || patched_multiply(i) != (long)i * i)
			wrong = 1;
	}
	return wrong;
}

// For benchmarks: what is emulated and what is not.
void emulated(long *), copied(long *), stepped(long *);
asm(".globl emulated, copied, stepped\n"
    "emulated: push %rbx; pop %rbx; ret\n"
    "copied: mov (%rdi), %rax; ret\n"
    "stepped: fnop; ret\n");

static void *caller(void *n) {
	for (long i = 0; i < (long)n; i++) {
		emulated(words);
		copied(words);
		stepped(words);
	}
	return NULL;
}

// One thread for ever, or several n times.
static int calls(long n) {
	pthread_t t[8];
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, caller, (void *)n);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	return 0;
}

static int call(long n) { caller((void *)n); return 0; }

// Instructions that are neither emulated nor copied: a system call, a loop, a far
// return. Four threads execute each n times.
void fixed(void);
asm(".globl fixed, fixed_call, fixed_loop, fixed_far\n"
    "fixed: mov $39, %eax\n"
    "fixed_call: syscall\n"
    "mov $1, %ecx\n"
    "fixed_loop: loop 1f\n"
    "1: mov %cs, %ecx; lea 2f(%rip), %rax; push %rcx; push %rax\n"
    "fixed_far: lretq\n"
    "2: ret\n");

static void *fix(void *n) {
	for (long i = 0; i < (long)n; i++)
		fixed();
	return NULL;
}

static int dofixed(long n) {
	pthread_t t[4];
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, fix, (void *)n);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	return 0;
}

int main(int argc, char **argv) {
	static const struct { const char *name; int (*play)(long); } scenes[] = {
		{"plain", plain}, {"threads", threads}, {"storm", storm}, {"fault", fault}, {"fork", dofork}, {"exec", exec},
		{"sandbox", sandbox}, {"sequence", sequence}, {"many", domany}, {"patch", patch}, {"calls", calls}, {"call", call}, {"fixed", dofixed},
	};
	args = argv;
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
		if (strcmp(argv[1], scenes[i].name) == 0)
			return scenes[i].play(argc > 2 ? atol(argv[2]) : 1);
	return 99;
}
