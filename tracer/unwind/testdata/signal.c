// A thread whose signal handler runs on a stack of its own and is interrupted by
// another signal.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline, noclone))

volatile int sink;
int *volatile null;

NOINLINE void leaf(void) {
	sink = 1;
	__asm__ volatile("stop: nop");
}

static void inner(int sig) {
	leaf();
	sink = sig;
	exit(0);
}

static void outer(int sig) {
	raise(SIGUSR2);
	sink = sig;
}

NOINLINE int fault(int n) {
	return *null + n;
}

static void *run(void *arg) {
	stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
	sigaltstack(&stack, 0);
	struct sigaction action = {.sa_handler = outer, .sa_flags = SA_ONSTACK};
	sigaction(SIGSEGV, &action, 0);
	action = (struct sigaction){.sa_handler = inner};
	sigaction(SIGUSR2, &action, 0);
	fault(1);
	return arg;
}

int main(void) {
	pthread_t thread;
	pthread_create(&thread, 0, run, 0);
	pthread_join(thread, 0);
}
