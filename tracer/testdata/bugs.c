// A program with bugs: the argument names the one that it dies of.

#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))
#define FAR ((volatile long *)0x123456789000)
#define WILD ((volatile long *)0x4141414141414141)

volatile long sink;
long *volatile null;
void (*volatile nowhere)(void);

NOINLINE void write_null(void) { *(volatile long *)null = 1; }
NOINLINE void write_far(void) { *FAR = 1; }
NOINLINE void write_wild(void) { *WILD = 1; }
NOINLINE void read_null(void) { sink = *(volatile long *)null; }
NOINLINE void read_far(void) { sink = *FAR; __asm__ volatile("xor %%eax, %%eax; jmp 1f; 1:" ::: "rax"); }
NOINLINE void read_wild(void) { sink = *WILD; __asm__ volatile("xor %%eax, %%eax; jmp 1f; 1:" ::: "rax"); }

// Instructions that write, none of them called mov.
NOINLINE void add_far(void) { __asm__ volatile("addq $1, (%0)" ::"r"(FAR)); }
NOINLINE void xchg_far(void) { __asm__ volatile("xchg %%rcx, (%0)" ::"r"(FAR) : "rcx"); }
NOINLINE void stos_far(void) { __asm__ volatile("rep stosb" ::"D"(FAR), "c"(16L), "a"(0L)); }
NOINLINE void movs_far(void) { __asm__ volatile("rep movsb" ::"D"(FAR), "S"(&sink), "c"(8L)); }
NOINLINE void sse_far(void) { __asm__ volatile("movups %%xmm0, (%0)" ::"r"(FAR)); }
NOINLINE void set_far(void) { __asm__ volatile("setz (%0)" ::"r"(FAR)); }
NOINLINE void pop_far(void) { __asm__ volatile("push $0; popq (%0)" ::"r"(FAR)); }
NOINLINE void cmp_far(void) { __asm__ volatile("cmpq $0, (%0); jmp 1f; 1:" ::"r"(FAR)); }
NOINLINE void push_far(void) { __asm__ volatile("pushq (%0)" ::"r"(FAR)); }
NOINLINE void test_null(void) { __asm__ volatile("testb $1, 8(%0)" ::"r"(0L)); }
NOINLINE void scas_far(void) { __asm__ volatile("repne scasb" ::"D"(FAR), "c"(16L), "a"(0L)); }
NOINLINE void inc_null(void) { __asm__ volatile("incl 4(%0)" ::"r"(0L)); }
NOINLINE void fst_far(void) { __asm__ volatile("fldz; fstpl (%0)" ::"r"(FAR)); }
NOINLINE void own_code(void) { __asm__ volatile("1: movl $0, 1b(%rip)"); }
NOINLINE void misaligned(void) { __asm__ volatile("movaps (%0), %%xmm0" ::"r"((char *)&sink + 1)); }
NOINLINE void index_wild(void) { __asm__ volatile("movl $1, (%0,%1,8)" ::"r"(&sink), "r"(0x0fffffffffffff00L)); }
NOINLINE void stack_wild(void) { __asm__ volatile("mov %0, %%rbp; movl $1, (%%rbp)" ::"r"(WILD)); }
NOINLINE void below_stack(void) { __asm__ volatile("movq $1, -0x40000000(%rsp)"); }

NOINLINE void bits_far(void) { __asm__ volatile("bts %1, (%0)" ::"r"(&sink), "r"(((long)FAR - (long)&sink) * 8)); }
NOINLINE void gather_wild(void)
{
	if (!__builtin_cpu_supports("avx2"))
		sink = *WILD;
	__asm__ volatile("vpcmpeqd %%ymm1, %%ymm1, %%ymm1; vpxor %%ymm0, %%ymm0, %%ymm0; vpgatherdd %%ymm1, (%0,%%ymm0,4), %%ymm2" ::"r"(WILD) : "xmm0", "xmm1", "xmm2");
}
NOINLINE void save_odd(void) { static char area[1024] __attribute__((aligned(64))); __asm__ volatile("fxsave (%0)" ::"r"(area + 8)); }
NOINLINE void checked_odd(void) { __asm__ volatile("pushf; orl $0x40000, (%%rsp); popf; mov (%0), %%rax" ::"r"((char *)&sink + 1) : "rax"); }
NOINLINE void flags_bad(void) { static unsigned all = -1; __asm__ volatile("ldmxcsr (%0)" ::"r"(&all)); }
NOINLINE void jump_segment(void)
{
	static const struct { unsigned offset; unsigned short segment; } to = {0x401000, 0x1234};
	__asm__ volatile("ljmp *(%0)" ::"r"(&to));
}
NOINLINE void return_segment(void) { __asm__ volatile("push $0x1234; push $0x401000; lretq"); }
NOINLINE void pivot(void) { __asm__ volatile("mov %0, %%rbp; leave; ret" ::"r"(WILD)); }
NOINLINE void cut_code(void)
{
	char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(p + 4096, 4096);
	p[4095] = 0x48; // a prefix
	mprotect(p, 4096, PROT_READ | PROT_EXEC);
	((void (*)(void))(p + 4095))();
	sink = 1;
}

// What the value that is read would be used for.
NOINLINE void taint_write(void) { __asm__ volatile("mov (%0), %%rax; lea 8(%%rax), %%rdx; movl $1, (%%rdx)" ::"r"(FAR) : "rax", "rdx"); }
NOINLINE void taint_call(void) { __asm__ volatile("mov (%0), %%rax; call *0x10(%%rax)" ::"r"(FAR) : "rax"); }
NOINLINE void taint_jump(void) { __asm__ volatile("mov (%0), %%rax; add $8, %%rax; jmp *%%rax" ::"r"(FAR) : "rax"); }
NOINLINE void taint_cleared(void) { __asm__ volatile("mov (%0), %%rax; xor %%eax, %%eax; lea sink(%%rip), %%rdx; mov %%rax, (%%rdx); jmp 1f; 1:" ::"r"(FAR) : "rax", "rdx"); }

NOINLINE void call_null(void) { nowhere(); sink = 1; }
NOINLINE void call_far(void) { nowhere = (void (*)(void))FAR; nowhere(); sink = 1; }
NOINLINE void call_data(void) { nowhere = (void (*)(void))&sink; nowhere(); sink = 1; }
NOINLINE void call_wild(void) { __asm__ volatile("call *%0" ::"r"(WILD)); }
NOINLINE void call_memory(void) { __asm__ volatile("call *(%0)" ::"r"(FAR)); }
NOINLINE void call_memory_null(void) { __asm__ volatile("call *16(%0)" ::"r"(0L)); }
NOINLINE void jump_wild(void) { __asm__ volatile("jmp *%0" ::"r"(WILD)); }
NOINLINE void jump_memory(void) { __asm__ volatile("jmp *(%0)" ::"r"(FAR)); }
NOINLINE void jump_memory_null(void) { __asm__ volatile("jmp *16(%0)" ::"r"(0L)); }
NOINLINE void return_wild(void) { __asm__ volatile("push %0; ret" ::"r"(WILD)); }
NOINLINE void return_lost(void) { __asm__ volatile("mov %0, %%rsp; ret" ::"r"(FAR)); }
NOINLINE void on_stack(void) { unsigned char code[64] = {0x90, 0xc3}; ((void (*)(void))code)(); sink = code[1]; }

NOINLINE void illegal(void) { __builtin_trap(); }
NOINLINE void privileged(void) { __asm__ volatile("hlt"); }
NOINLINE void trap(void) { __asm__ volatile("int3"); }
NOINLINE void divide(void) { volatile int zero = 0; sink = 7 / zero; }

NOINLINE long deep(long n) { volatile char buf[128]; buf[0] = n; return deep(n + 1) + buf[0]; }
long ping(long n);
NOINLINE long pong(long n) { volatile char buf[96]; buf[n & 63] = n; return ping(n + 1) + buf[0]; }
NOINLINE long ping(long n) { volatile char buf[160]; buf[n & 63] = n; return pong(n + 1) + buf[0]; }
NOINLINE long uneven(long n) { volatile char *p = __builtin_alloca(64 + n % 5 * 32 + n % 7 * 16); p[0] = n; return uneven(n + 1) + p[0]; }
NOINLINE void big_frame(void) { volatile char buf[16 << 20]; buf[0] = 1; sink = buf[8]; }
void *in_thread(void *arg) { sink = deep(0); return arg; }
NOINLINE void thread_stack(void) { pthread_t t; pthread_create(&t, 0, in_thread, 0); pthread_join(t, 0); }
void handler(int sig) { sink = deep(sig); }
NOINLINE void alt_stack(void)
{
	stack_t ss = {.ss_sp = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), .ss_size = 1 << 16};
	mprotect((char *)ss.ss_sp, 4096, PROT_NONE);
	sigaltstack(&ss, 0);
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
	sigaction(SIGUSR1, &sa, 0);
	raise(SIGUSR1);
}

NOINLINE void smash(void) { volatile char buf[16]; for (int i = 0; i < 64; i++) buf[i] = 'A'; sink = buf[3]; }
NOINLINE void fortify(void) { char buf[8]; volatile size_t n = 16; memset(buf, 'A', n); sink = buf[3]; }
NOINLINE void double_free(void) { void *volatile p = malloc(24); free(p); free(p); }
NOINLINE void bad_free(void) { char *volatile p = malloc(64); free(p + 8); }
NOINLINE void overflow(void) { volatile char *volatile p = malloc(24), *volatile q = malloc(2000); for (int i = 0; i < 48; i++) p[i] = 0x41; free((void *)q); free((void *)p); sink = (long)malloc(3000); }
NOINLINE void top_size(void) { volatile char *volatile p = malloc(24); for (int i = 0; i < 64; i++) p[i] = 0x41; sink = (long)malloc(0x30000 - 0x1000); }
NOINLINE void check(int balance) { assert(balance >= 0); }
NOINLINE void assertion(void) { check(-5); }
NOINLINE void aborts(void) { abort(); }
NOINLINE void killed_abort(void) { syscall(SYS_kill, getpid(), SIGABRT); sink = 1; }
NOINLINE void check_failed(void) { fprintf(stderr, "F0102 03:04:05.678 9 bugs.c:1] Check failed: size == 3 (4 vs. 3)\n"); abort(); }
static void resets(int sig) { signal(sig, SIG_DFL); raise(sig); }
static void aborts_too(int sig) { abort(); }
NOINLINE void handled_segv(void) { signal(SIGSEGV, resets); write_far(); }
NOINLINE void handled_wild(void) { signal(SIGSEGV, resets); read_wild(); }
NOINLINE void handled_call(void) { signal(SIGSEGV, resets); call_far(); }
NOINLINE void handled_abort(void) { signal(SIGSEGV, aborts_too); write_far(); }
NOINLINE void handled_divide(void) { signal(SIGFPE, aborts_too); divide(); }
NOINLINE void handled_deep(void)
{
	stack_t ss = {.ss_sp = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), .ss_size = 1 << 16};
	sigaltstack(&ss, 0);
	struct sigaction sa = {.sa_handler = aborts_too, .sa_flags = SA_ONSTACK};
	sigaction(SIGSEGV, &sa, 0);
	deep(1);
}
NOINLINE void handled_nowhere(void) { signal(SIGSEGV, aborts_too); __asm__ volatile("mov %0, %%rsp; push %%rax" ::"r"(FAR)); }
NOINLINE void handled_here(void) { signal(SIGSEGV, aborts_too); deep(1); }
NOINLINE void sent_ill(void) { kill(getpid(), SIGILL); sink = 1; }
NOINLINE void sent_timer(void)
{
	timer_t t;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGSEGV};
	timer_create(CLOCK_MONOTONIC, &event, &t);
	timer_settime(t, 0, &(struct itimerspec){.it_value.tv_nsec = 1}, 0);
	for (;;)
		pause();
}
NOINLINE void quotient(void) { volatile int most = -2147483647 - 1, one = -1; sink = most / one; }
NOINLINE void checked(void) { asm volatile(".byte 0x67, 0x0f, 0xb9, 0x40, 0x14"); }
NOINLINE void trapped(void) { __builtin_trap(); }
NOINLINE void sent_segv(void) { kill(getpid(), SIGSEGV); sink = 1; }
NOINLINE void past_file(void)
{
	int fd = memfd_create("short", 0);
	volatile char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sink = p[0];
}
NOINLINE void write_constant(void) { *(volatile char *)"constant" = 1; }
NOINLINE void bad_syscall(void) { raise(SIGSYS); sink = 1; }

#define BUG(f) {#f, f}
static const struct { const char *name; void (*run)(void); } bugs[] = {
	BUG(write_null), BUG(write_far), BUG(write_wild), BUG(read_null), BUG(read_far), BUG(read_wild),
	BUG(add_far), BUG(xchg_far), BUG(stos_far), BUG(movs_far), BUG(sse_far), BUG(set_far), BUG(pop_far), BUG(cmp_far), BUG(push_far),
	BUG(test_null), BUG(scas_far), BUG(inc_null), BUG(fst_far), BUG(own_code), BUG(misaligned), BUG(index_wild), BUG(stack_wild), BUG(below_stack),
	BUG(taint_write), BUG(taint_call), BUG(taint_jump), BUG(taint_cleared),
	BUG(call_null), BUG(call_far), BUG(call_data), BUG(call_wild), BUG(call_memory), BUG(call_memory_null), BUG(jump_wild), BUG(jump_memory), BUG(jump_memory_null),
	BUG(return_wild), BUG(return_lost), BUG(on_stack), BUG(illegal), BUG(privileged), BUG(trap), BUG(divide),
	BUG(big_frame), BUG(thread_stack), BUG(alt_stack), BUG(smash), BUG(fortify),
	BUG(double_free), BUG(bad_free), BUG(overflow), BUG(top_size), BUG(assertion), BUG(aborts), BUG(check_failed), BUG(killed_abort), BUG(sent_segv), BUG(past_file),
	BUG(write_constant), BUG(bad_syscall), BUG(handled_segv), BUG(handled_wild), BUG(handled_call), BUG(handled_abort), BUG(handled_divide),
	BUG(bits_far), BUG(gather_wild), BUG(save_odd), BUG(checked_odd), BUG(flags_bad), BUG(jump_segment), BUG(return_segment), BUG(pivot), BUG(cut_code),
	BUG(handled_nowhere), BUG(handled_here), BUG(sent_ill), BUG(sent_timer), BUG(handled_deep), BUG(quotient), BUG(checked), BUG(trapped),
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	for (size_t i = 0; i < sizeof bugs / sizeof *bugs; i++)
		if (!strcmp(bugs[i].name, name)) {
			bugs[i].run();
			sink = 0;
		}
	if (!strcmp(name, "recursion"))
		sink = deep(0);
	if (!strcmp(name, "uneven"))
		sink = uneven(0);
	if (!strcmp(name, "mutual"))
		sink = ping(0);
	fprintf(stderr, "%s: no such bug, or it did not kill\n", name);
	return 1;
}
