// watch SCENE [N]: what the tests of watchpoints and hardware breakpoints look at.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

union {
	volatile uint8_t u8[32];
	volatile uint16_t u16[16];
	volatile uint32_t u32[8];
	volatile uint64_t u64[4];
} cell __attribute__((aligned(32)));
volatile uint64_t counters[4];
static char **args;

__attribute__((noinline)) void here(void) { asm volatile(""); }
__attribute__((noinline)) long work(long n) { return n + 1; }

static int sizes(long n) {
	here();
	cell.u8[0] = 0x11;
	cell.u16[0] = 0x2222;
	cell.u32[0] = 0x33333333;
	cell.u64[0] = 0x4444444444444444;
	return 0;
}

static int accesses(long n) {
	cell.u64[0] = 5;
	here();
	(void)cell.u64[0];
	cell.u64[0] = 5;
	cell.u64[0] = 6;
	(void)cell.u64[0];
	work(1);
	return 0;
}

// Writes that lie across the parts of an unaligned watchpoint on bytes 3 to 12, and
// around it.
static int unaligned(long n) {
	here();
	cell.u8[2] = 1;
	cell.u8[13] = 1;
	cell.u8[3] = 3;
	cell.u8[12] = 12;
	cell.u64[0] = 0x0807060504030201;
	*(volatile uint32_t *)&cell.u8[6] = 0x64636261;
	return 0;
}

static int loop(long n) {
	for (long i = 1; i <= n; i++)
		cell.u64[0] = i;
	return 0;
}

static int calls(long n) {
	for (long i = 0; i < n; i++)
		work(i);
	return 0;
}

static pthread_barrier_t barrier;

static void *writer(void *arg) {
	pthread_barrier_wait(&barrier);
	for (long i = 0; i < (long)arg; i++) {
		cell.u64[0] = i;
		work(i);
	}
	return NULL;
}

static int threads(long n) {
	pthread_t t[4];
	pthread_barrier_init(&barrier, NULL, 4);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, writer, (void *)n);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	return 0;
}

static int four(long n) {
	here();
	for (long i = 0; i < n; i++)
		for (int j = 0; j < 4; j++)
			counters[j] += j + 1;
	return 0;
}

// A child that a debug register catches dies of SIGTRAP.
static int children(long n) {
	int status;
	pid_t child = fork();
	if (child == 0) {
		cell.u64[0] = 1;
		_exit(work(2));
	}
	waitpid(child, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 3)
		return 1;
	if ((child = vfork()) == 0) {
		cell.u64[0] = 2;
		_exit(4);
	}
	waitpid(child, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 4)
		return 2;
	cell.u64[0] = 3;
	return 0;
}

static int kernel(long n) {
	int fds[2];
	if (pipe(fds) || write(fds[1], "12345678", 8) != 8 || read(fds[0], (void *)&cell, 8) != 8)
		return 1;
	here();
	cell.u64[0] = 9;
	return 0;
}

static int again(long n) {
	cell.u64[0] = 1;
	work(1);
	execl("/proc/self/exe", args[0], "sizes", NULL);
	return 1;
}

static int pipe_ends[2];

static void *caller(void *arg) {
	for (long i = 0; i < (long)arg; i++)
		work(i);
	return (void *)write(pipe_ends[1], "x", 1);
}

// One thread sleeps in a system call, which every stop of the others interrupts.
static int sleeping(long n) {
	pthread_t t;
	char c;
	long got = 0; // read
	if (pipe(pipe_ends))
		return 1;
	pthread_create(&t, NULL, caller, (void *)n);
	asm volatile(".globl sleep_here\nsleep_here: syscall"
		: "+a"(got) : "D"((long)pipe_ends[0]), "S"(&c), "d"(1L) : "rcx", "r11", "memory");
	pthread_join(t, NULL);
	return got == 1 ? 0 : 2;
}

static int wait_for_line(long n) {
	pthread_t t;
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&t, NULL, writer, (void *)1);
	printf("ready\n");
	fflush(stdout);
	getchar();
	cell.u64[0] = 77;
	work(1);
	pthread_barrier_wait(&barrier);
	pthread_join(t, NULL);
	printf("done\n");
	fflush(stdout);
	getchar();
	return 7;
}

int main(int argc, char **argv) {
	static const struct { const char *name; int (*run)(long); } scenes[] = {
		{"sizes", sizes}, {"accesses", accesses}, {"unaligned", unaligned}, {"loop", loop},
		{"calls", calls}, {"threads", threads}, {"four", four}, {"children", children},
		{"kernel", kernel}, {"again", again}, {"sleeping", sleeping}, {"wait", wait_for_line},
	};
	args = argv;
	for (int i = 0; i < sizeof scenes / sizeof *scenes; i++)
		if (argc > 1 && !strcmp(argv[1], scenes[i].name))
			return scenes[i].run(argc > 2 ? atol(argv[2]) : 1);
	return 99;
}
