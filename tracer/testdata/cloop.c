// Cloop measures what bare ptrace(2) costs, without a debugger around it: the
// floor for the engine's benchmarks. It prints one "name ns" line an operation.
//
//	cloop [pin] [n]
//
// step        one PTRACE_SINGLESTEP and its wait
// step_regs   the same and PTRACE_GETREGS
// breakpoint  from one hit of an int3 to the next: PTRACE_CONT, wait, GETREGS,
//             put the byte back, SETREGS, step over it, insert the int3 again
// read64m     process_vm_readv of 64 MiB
//
// Each is repeated n times, 20 000 unless told; read64m a thousandth of that.
// With pin, tracer and tracee share one CPU.

#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 64 << 20 };

static pid_t child;
static char *block; // READ_SIZE bytes of the child
static char *copy;
static long saved; // the word at work without the breakpoint

__attribute__((noinline)) static void work(void)
{
	__asm__ volatile("");
}

static void die(const char *what)
{
	fprintf(stderr, "cloop: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void request(enum __ptrace_request what, const char *name, void *addr, void *data)
{
	if (ptrace(what, child, addr, data) < 0)
		die(name);
}

#define REQUEST(what, addr, data) request(what, #what, (void *)(addr), (void *)(data))

static void wait_for(int sig)
{
	int status;
	if (waitpid(child, &status, __WALL) < 0)
		die("waitpid");
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != sig) {
		fprintf(stderr, "cloop: wait status is %#x, want signal %d\n", status, sig);
		exit(1);
	}
}

static void step(void)
{
	REQUEST(PTRACE_SINGLESTEP, 0, 0);
	wait_for(SIGTRAP);
}

static void step_regs(void)
{
	struct user_regs_struct regs;
	step();
	REQUEST(PTRACE_GETREGS, 0, &regs);
}

static void insert(void)
{
	REQUEST(PTRACE_POKETEXT, work, (saved & ~0xffL) | 0xcc);
}

static void breakpoint(void)
{
	struct user_regs_struct regs;
	REQUEST(PTRACE_CONT, 0, 0);
	wait_for(SIGTRAP);
	REQUEST(PTRACE_GETREGS, 0, &regs);
	if (regs.rip != (unsigned long)work + 1) {
		fprintf(stderr, "cloop: stopped at %#llx, not at work\n", regs.rip);
		exit(1);
	}
	REQUEST(PTRACE_POKETEXT, work, saved);
	regs.rip--;
	REQUEST(PTRACE_SETREGS, 0, &regs);
	step();
	insert();
}

static void read64m(void)
{
	struct iovec local = {copy, READ_SIZE}, remote = {block, READ_SIZE};
	if (process_vm_readv(child, &local, 1, &remote, 1, 0) != READ_SIZE)
		die("process_vm_readv");
}

static void measure(const char *name, void (*op)(void), long n)
{
	struct timespec t0, t1;
	op();
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (long i = 0; i < n; i++)
		op();
	clock_gettime(CLOCK_MONOTONIC, &t1);
	double ns = (t1.tv_sec - t0.tv_sec) * 1e9 + (t1.tv_nsec - t0.tv_nsec);
	printf("%s %.0f\n", name, ns / n);
	fflush(stdout);
}

// pin restricts this process and those that it forks to the CPU it is on.
static void pin(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (cpu < 0 || sched_setaffinity(0, sizeof set, &set) < 0)
		die("pin");
}

static char *allocate(int fill)
{
	char *p = malloc(READ_SIZE);
	if (!p)
		die("malloc");
	memset(p, fill, READ_SIZE);
	return p;
}

int main(int argc, char **argv)
{
	long n = 20000;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "pin"))
			pin();
		else if ((n = atol(argv[i])) < 1000) {
			fputs("usage: cloop [pin] [n], n at least 1000\n", stderr);
			return 2;
		}
	}

	block = allocate(1);
	copy = allocate(2);
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
			die("PTRACE_TRACEME");
		raise(SIGSTOP);
		for (;;)
			work();
	}
	wait_for(SIGSTOP);
	REQUEST(PTRACE_SETOPTIONS, 0, PTRACE_O_EXITKILL);

	measure("step", step, n);
	measure("step_regs", step_regs, n);
	errno = 0;
	saved = ptrace(PTRACE_PEEKTEXT, child, work, 0);
	if (errno)
		die("PTRACE_PEEKTEXT");
	insert();
	measure("breakpoint", breakpoint, n);
	measure("read64m", read64m, n / 1000);
	return 0;
}
