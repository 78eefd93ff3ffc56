// Instructions that are special under the trap flag: special NAME. Each leaves what
// the program can see of it in seen, and calls done. Compile with -mno-red-zone.
#define _GNU_SOURCE
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

long seen[64];
static volatile int count;
static sigjmp_buf back;

__attribute__((noinline)) void done(void) { asm volatile(""); }

static void see(long value) { seen[count++] = value; }

enum { CF = 1, TF = 0x100 };

// FLAGS is what pushf says of the flags that do not depend on what came before.
#define FLAGS(value) ((value) & (TF | CF))

static void pushf(void) {
	unsigned long q[4];
	unsigned short w;
	asm volatile("clc\n pushf_spot: pushfq\n pop %0\n"
	             "stc\n pushfw\n pop %w1\n"
	             "rex.W pushfq\n pop %2\n"
	             "mov %%ss, %%eax\n mov %%eax, %%ss\n pushfq\n pop %3"
	             : "=r"(q[0]), "=r"(w), "=r"(q[1]), "=r"(q[2]) : : "rax", "cc", "memory");
	see(FLAGS(q[0])); see(FLAGS(w)); see(FLAGS(q[1])); see(FLAGS(q[2]));
	// Not all that ends in this byte is a pushf.
	asm volatile("push $-0x63ffff00\n pop %0\n movl $0x9c, %%eax\n push %%rax\n pop %1" : "=r"(q[0]), "=r"(q[1]) : : "rax", "memory");
	see(q[0]); see(q[1]);
}

static void popf(void) {
	unsigned long flags;
	asm volatile("pushq $0x203\n popf_spot: popfq\n pushfq\n pop %0" : "=r"(flags) : : "cc", "memory");
	see(FLAGS(flags));
}

static void iret(void) {
	unsigned long flags;
	asm volatile("mov %%rsp, %%rdx\n mov %%ss, %%eax\n push %%rax\n push %%rdx\n push $0x203\n mov %%cs, %%eax\n push %%rax\n"
	             "lea 1f(%%rip), %%rax\n push %%rax\n iret_spot: iretq\n ud2\n 1: pushfq\n pop %0"
	             : "=r"(flags) : : "rax", "rdx", "cc", "memory");
	see(FLAGS(flags));
}

extern char trap_from[], trap_to[];

// Whether icebp leaves rip where it is, as it does in KVM on AMD's CPUs.
static int icebp_stays;
extern char icebp_probe[];

static void on_probe(int sig, siginfo_t *info, void *context) {
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	icebp_stays = regs[REG_RIP] == (long)icebp_probe;
	regs[REG_RIP] = (long)icebp_probe + 1;
}

// The program's own traps, with the pc as an offset in what it steps.
static void on_trap(int sig, siginfo_t *info, void *context) {
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	see(sig);
	see(info->si_code);
	see(FLAGS(regs[REG_EFL]));
	see(regs[REG_RIP] - (long)trap_from);
	if (sig != SIGTRAP)
		regs[REG_RIP] += 2;
	else if (info->si_code == TRAP_BRKPT && icebp_stays)
		regs[REG_RIP]++;
}

static void handle(int sig, void (*handler)(int, siginfo_t *, void *)) {
	struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	sigaction(sig, &act, NULL);
}

static void handle_traps(void) {
	handle(SIGTRAP, on_probe);
	asm volatile(".globl icebp_probe\n icebp_probe: .byte 0xf1");
	handle(SIGTRAP, on_trap);
}

static void owntrap(void) {
	handle(SIGTRAP, on_trap);
	unsigned long flags;
	asm volatile("pushfq\n orl $0x100, (%%rsp)\n owntrap_spot: popfq\n"
	             ".globl trap_from, trap_to\n trap_from: nop\n push %%rax\n pushfq\n pop %0\n pop %%rax\n"
	             "mov $39, %%eax\n syscall\n nop\n"
	             "pushfq\n andl $~0x100, (%%rsp)\n popfq\n trap_to: nop"
	             : "=r"(flags) : : "rax", "rcx", "r11", "cc", "memory");
	see(FLAGS(flags));
}

static void traps(void) {
	handle_traps();
	handle(SIGILL, on_trap);
	asm volatile("nop\n traps_spot: int3\n nop\n .byte 0xf1\n nop\n ud2\n nop\n int $3\n nop");
	asm volatile("mov %%ss, %%eax\n mov %%eax, %%ss\n int3\n nop\n mov %%eax, %%ss\n .byte 0xf1\n nop\n mov %%eax, %%ss\n ud2\n nop" : : : "rax");
}

static void on_fault(int sig) { siglongjmp(back, sig); }

// Sysenter returns to where 32-bit programs have a vdso, with 32 bits of rsp.
static void sysenter(void) {
	static char stack[1 << 16];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction act = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
	sigaltstack(&alternate, NULL);
	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGILL, &act, NULL);
	int sig = sigsetjmp(back, 1);
	if (sig == 0)
		asm volatile("mov $20, %%eax\n mov %%rsp, %%rbp\n sysenter" : : : "rax", "memory");
	see(sig);
}

static void system_call(void) {
	unsigned long ret, r11, rcx, here, flags;
	asm volatile("clc\n mov $102, %%eax\n system_call_spot: syscall\n 1: mov %%rax, %0\n mov %%r11, %1\n mov %%rcx, %2\n lea 1b(%%rip), %3\n pushfq\n pop %4"
	             : "=&r"(ret), "=&r"(r11), "=&r"(rcx), "=&r"(here), "=&r"(flags) : : "rax", "rcx", "r11", "cc", "memory");
	see(ret == getuid()); see(r11 & (TF | CF)); see(rcx - here); see(FLAGS(flags));
	asm volatile("stc\n mov $102, %%eax\n syscall\n mov %%r11, %0"
	             : "=&r"(r11) : : "rax", "rcx", "r11", "cc", "memory");
	see(r11 & (TF | CF));
}

static void int80(void) {
	unsigned long ret, r11, flags;
	asm volatile("mov $5, %%r11d\n mov $199, %%eax\n int80_spot: int $0x80\n pushfq\n pop %2\n mov %%rax, %0\n mov %%r11, %1"
	             : "=&r"(ret), "=&r"(r11), "=&r"(flags) : : "rax", "r11", "cc", "memory");
	see(ret == getuid()); see(r11); see(flags & TF);
}

static void rep(void) {
	char from[50], to[50];
	for (int i = 0; i < 50; i++)
		from[i] = i, to[i] = 0;
	unsigned long rcx = 40, rdi = (long)to, rsi = (long)from;
	asm volatile("cld\n rep_spot: rep movsb" : "+c"(rcx), "+D"(rdi), "+S"(rsi) : : "memory");
	see(rcx); see(rdi - (long)to); see(rsi - (long)from); see(memcmp(from, to, 40)); see(to[40]);
	rcx = 50, rdi = (long)from;
	asm volatile("repne scasb" : "+c"(rcx), "+D"(rdi) : "a"(17) : "cc", "memory");
	see(rcx); see(rdi - (long)from);
}

static void cpuid(void) {
	unsigned a = 0, b, c, d, lo, hi;
	asm volatile("cpuid_spot: cpuid\n nop\n nop" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	see(a); see(b); see(c); see(d);
	asm volatile("rdtsc\n nop" : "=a"(lo), "=d"(hi));
	see((lo | hi) != 0);
}

static volatile long frame_flags, handler_flags;

static void on_signal(int sig, siginfo_t *info, void *context) {
	unsigned long flags;
	asm volatile("pushfq\n pop %0" : "=r"(flags));
	handler_flags = flags & TF;
	frame_flags = ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] & (TF | CF);
	see(100 + sig);
}

// A signal that its thread sends itself, then two that are blocked and pending.
static void handlers(void) {
	unsigned long flags;
	handle(SIGUSR1, on_signal);
	handle(SIGUSR2, on_signal);
	pid_t pid = getpid();
	asm volatile("stc\n handlers_spot: syscall\n pushfq\n pop %0" : "=r"(flags) : "a"(SYS_kill), "D"((long)pid), "S"((long)SIGUSR1) : "rcx", "r11", "cc", "memory");
	see(FLAGS(flags)); see(frame_flags); see(handler_flags);
	sigset_t set, old;
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	raise(SIGUSR2);
	see(1);
	sigprocmask(SIG_SETMASK, &old, NULL);
	see(frame_flags & TF); see(handler_flags);
}

static void vsyscall(void) {
	time_t t = 0;
	long (*vtime)(time_t *) = (void *)0xffffffffff600400;
	see(vtime(&t) == t && t > 1000000000);
	struct timespec now;
	see(clock_gettime(CLOCK_MONOTONIC, &now)); // in the vdso
	see(time(NULL) - t <= 60);
}

// A child made by a bare system call, which sees whether it has the trap flag.
static void children(void) {
	static const long calls[][2] = {{SYS_fork, 0}, {SYS_clone, SIGCHLD}, {SYS_vfork, 0}};
	for (int i = 0; i < 3; i++) {
		long pid, r11, flags;
		asm volatile("syscall\n mov %%r11, %1\n pushfq\n pop %2\n test %%rax, %%rax\n jnz 1f\n"
		             "or %1, %2\n and $0x100, %2\n shr $8, %2\n lea 7(%2), %%edi\n mov $60, %%eax\n syscall\n 1:"
		             : "=a"(pid), "=&r"(r11), "=&r"(flags) : "a"(calls[i][0]), "D"(calls[i][1]), "S"(0L), "d"(0L) : "rcx", "r11", "r10", "r8", "cc", "memory");
		int status = 0;
		see(waitpid(pid, &status, 0) == pid);
		see(WEXITSTATUS(status));
		see(r11 & TF); see(flags & TF);
	}
}

static void again(void) { execl("/proc/self/exe", "special", "pushf", NULL); }

static void nap(void) {
	struct timespec t = {0, 300000000};
	see(1 + nanosleep(&t, NULL));
}

static void block(void) {
	char c = 0;
	see(read(0, &c, 1)); see(c);
}

unsigned short stack_segment;

// What comes right after a load of ss, which holds the traps of its own access and of
// the step back.
static void movss(void) {
	long r11, flags;
	handle_traps();
	handle(SIGILL, on_trap);
	asm volatile("mov %%ss, %0\n mov %0, %%ss\n nop\n mov %0, %%ss\n int3\n mov %0, %%ss\n .byte 0xf1\n"
	             "mov %0, %%ss\n ud2\n mov %0, %%ss\n pushfq\n pop %1\n"
	             "mov $199, %%eax\n mov %0, %%ss\n int $0x80\n mov $102, %%eax\n mov %0, %%ss\n syscall\n mov %%r11, %2"
	             : "+m"(stack_segment), "=&r"(flags), "=&r"(r11) : : "rax", "rcx", "r11", "cc", "memory");
	see(flags & TF); see(r11 & TF); see(1);
}

// A restartable sequence that is left behind its end for an odd n, else by a branch.
static long sequence(long n) {
	long left;
	asm volatile("1: lea cs(%%rip), %%rax\n mov %%rax, %%fs:8(%1)\n"
	             "2: xor %%edx, %%edx\n add $5, %%rdx\n test $1, %2\n jz 5f\n nop\n mov %%rdx, %0\n"
	             "3: jmp 6f\n .long 0x53053053\n 4: jmp 1b\n 5: mov $6, %0\n 6:\n"
	             ".pushsection __rseq_cs, \"aw\"\n .balign 32\n cs: .long 0, 0\n .quad 2b, 3b - 2b, 4b\n .popsection"
	             : "=&r"(left) : "r"(__rseq_offset), "r"((int)n) : "rax", "rdx", "cc", "memory");
	return left;
}

static void rseq(void) {
	for (long n = 0; n < 10; n++)
		see(sequence(n));
}

int main(int argc, char **argv) {
	static const struct { const char *name; void (*play)(void); } cases[] = {
		{"pushf", pushf}, {"popf", popf}, {"iret", iret}, {"owntrap", owntrap}, {"traps", traps}, {"sysenter", sysenter},
		{"system_call", system_call}, {"int80", int80}, {"rep", rep}, {"cpuid", cpuid}, {"handlers", handlers},
		{"vsyscall", vsyscall}, {"children", children}, {"again", again}, {"nap", nap}, {"block", block}, {"rseq", rseq}, {"movss", movss},
	};
	for (int i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (strcmp(argv[1], cases[i].name) == 0) {
			cases[i].play();
			done();
			return 0;
		}
	return 99;
}
