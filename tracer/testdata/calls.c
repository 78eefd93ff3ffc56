// The system calls that the engine's tests look at: calls SCENE [N].
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char **args;
static int handled;

// raw makes a system call and returns -1000 if it changes a register that it must
// keep.
long raw(long nr, long a, long b, long c, long d, long e, long f) {
	register long ra asm("rdi") = a, rb asm("rsi") = b, rc asm("rdx") = c;
	register long rd asm("r10") = d, re asm("r8") = e, rf asm("r9") = f;
	asm volatile("call_site: syscall\nafter_call:"
		: "+a"(nr), "+r"(ra), "+r"(rb), "+r"(rc), "+r"(rd), "+r"(re), "+r"(rf) : : "rcx", "r11", "memory");
	return ra == a && rb == b && rc == c && rd == d && re == e && rf == f ? nr : -1000;
}

static int basic(long n) {
	long self = getpid();
	raw(SYS_getpid, 1001, 2, 3, 4, 5, 6);
	raw(SYS_kill, self, 0, 0, 0, 0, 0);
	raw(SYS_close, 12345, 0, 0, 0, 0, 0);
	raw(-1, 1, 2, 3, 4, 5, 6);
	raw(SYS_exit_group, 7, 0, 0, 0, 0, 0);
	return 1;
}

static int loop(long n) {
	for (long i = 0; i < n; i++)
		raw(SYS_getppid, i, 0, 0, 0, 0, 0);
	return 0;
}

static void *worker(void *arg) { loop((long)arg); return NULL; }

static int threads(long n) {
	pthread_t t[8];
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, worker, (void *)n);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	return 0;
}

// Sleeps once for n ms and exits with the error of that.
static int nap(long n) {
	struct timespec t = {n / 1000, n % 1000 * 1000000};
	puts("ready");
	fflush(stdout);
	return -raw(SYS_nanosleep, (long)&t, 0, 0, 0, 0, 0);
}

static void *execer(void *arg) {
	execl(args[0], args[0], "loop", "3", NULL);
	return NULL;
}

// Executes itself while n threads make calls.
static int exec(long n) {
	pthread_t t;
	while (n-- > 0)
		pthread_create(&t, NULL, worker, (void *)1000000000);
	pthread_create(&t, NULL, execer, NULL);
	pthread_join(t, NULL);
	return 1;
}

static int children(long n) {
	int status = 0;
	if (syscall(SYS_fork) == 0)
		_exit(loop(5));
	wait(&status);
	if (vfork() == 0) {
		raw(SYS_getppid, 0, 0, 0, 0, 0, 0);
		_exit(0);
	}
	wait(&status);
	return status;
}

// getpid by its number on i386, which is writev's on x86-64.
static int compat(long n) {
	long r;
	asm volatile("int $0x80" : "=a"(r) : "a"(20), "b"(1L), "c"(2L), "d"(3L), "S"(4L), "D"(5L) : "memory", "r8", "r9", "r10", "r11");
	return r == getpid() ? 0 : 1;
}

static int ends[2];

static void on_signal(int sig) { handled++; write(ends[1], "x", 1); }

// Reads from a pipe that only the handler writes to. With n the read is restarted.
static int interrupted(long n) {
	struct sigaction act = {.sa_handler = on_signal, .sa_flags = n ? SA_RESTART : 0};
	char c;
	pipe(ends);
	sigaction(SIGUSR1, &act, NULL);
	long r = raw(SYS_read, ends[0], (long)&c, 1, 0, 0, 0);
	return handled * 10 + (r == -EINTR ? 4 : r);
}

// Handles one signal and exits with what a call returned that it came in.
static int injected(long n) {
	signal(SIGUSR1, on_signal);
	return raw(SYS_getppid, 0, 0, 0, 0, 0, 0) == getppid() ? handled : 100;
}

// Exits with the mask that it set, as the next call returns it.
static int mask(long n) {
	if (raw(SYS_umask, 022, 2, 3, 4, 5, 6) == -1000)
		return 100;
	return raw(SYS_umask, 0, 0, 0, 0, 0, 0);
}

static int ask(long n) { return raw(SYS_getppid, 0, 0, 0, 0, 0, 0); }

static int closing(long n) { return -raw(SYS_close, 12345, 0, 0, 0, 0, 0); }

// Exits with the number of CPUs that it may run on, after many calls.
static int affinity(long n) {
	cpu_set_t set;
	loop(1000);
	sched_getaffinity(0, sizeof set, &set);
	return CPU_COUNT(&set);
}

int main(int argc, char **argv) {
	static const struct { const char *name; int (*play)(long); } scenes[] = {
		{"basic", basic}, {"loop", loop}, {"threads", threads}, {"nap", nap}, {"exec", exec},
		{"children", children}, {"compat", compat}, {"interrupted", interrupted}, {"injected", injected},
		{"mask", mask}, {"ask", ask}, {"closing", closing},
		{"affinity", affinity},
	};
	args = argv;
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
		if (strcmp(argv[1], scenes[i].name) == 0)
			return scenes[i].play(argc > 2 ? atol(argv[2]) : 0);
	return 99;
}
