// Ways to come to an end, or to a stop, that a tracer may wait for in vain: ends NAME.
// Those that end wait for a line on standard input first, but for "exec again".
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char **args;
static pthread_barrier_t barrier;

__attribute__((noinline)) void here(void) { asm volatile(""); }

static void await(void) {
	char c;
	while (read(0, &c, 1) == 1 && c != '\n')
		;
}

static void ready(void) {
	puts("ready");
	fflush(stdout);
}

static void *sleeper(void *arg) {
	pthread_barrier_wait(&barrier);
	pause();
	return NULL;
}

static void *again(void *arg) { execl(args[0], args[0], "exec again", NULL); return NULL; }

// crowd makes four threads that sleep and one, the youngest, that ends them.
static void crowd(void *(*last)(void *)) {
	pthread_t t;
	pthread_barrier_init(&barrier, NULL, 5);
	for (int i = 0; i < 4; i++)
		pthread_create(&t, NULL, sleeper, NULL);
	pthread_barrier_wait(&barrier);
	pthread_create(&t, NULL, last, NULL);
	if (last != again)
		ready();
	pthread_join(t, NULL);
}

static void *quit(void *arg) { await(); exit(7); }
static void *leave(void *arg) { await(); here(); return NULL; }
static void *replace(void *arg) { await(); execl(args[0], args[0], "done", NULL); return NULL; }
// alone leaves one thread without its leader.
static void alone(void *(*last)(void *)) {
	pthread_t t;
	pthread_create(&t, NULL, last, NULL);
	ready();
	pthread_exit(NULL);
}

// trap waits with a SIGTRAP queued and blocked that looks like that of an int3.
static void trap(void) {
	siginfo_t info = {.si_signo = SIGTRAP, .si_code = SI_KERNEL};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGTRAP, &info);
	ready();
	pause();
}

static int borrow(void) {
	ready();
	if (vfork() == 0) {
		await();
		here();
		_exit(0);
	}
	here();
	int status;
	return wait(&status) < 0 || status ? 5 : 4;
}

int main(int argc, char **argv) {
	char *name = argv[1];
	args = argv;
	if (strcmp(name, "done") == 0)
		return 3;
	if (strcmp(name, "crowd quits") == 0)
		crowd(quit);
	if (strcmp(name, "crowd execs") == 0)
		crowd(replace);
	if (strcmp(name, "crowd leaves") == 0)
		crowd(leave);
	if (strcmp(name, "exec again") == 0)
		crowd(again);
	if (strcmp(name, "one quits") == 0)
		alone(quit);
	if (strcmp(name, "one leaves") == 0)
		alone(leave);
	if (strcmp(name, "one execs") == 0)
		alone(replace);
	if (strcmp(name, "trap") == 0)
		trap();
	if (strcmp(name, "vfork") == 0)
		return borrow();
	return 99;
}
