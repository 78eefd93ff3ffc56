// Ways out of functions by longjmp: the marks in comments name the lines.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

static jmp_buf env, inner;
static sigjmp_buf sigenv;
volatile int count;

__attribute__((noinline)) void leap(int n)
{
	count += n; // in leap
	if (n)
		longjmp(env, n); // leap's jump
	count++;
}

__attribute__((noinline)) void through(int n)
{
	leap(n); // in through
	count++;
}

// Its longjmp stays within it.
__attribute__((noinline)) int contained(void)
{
	if (setjmp(inner) == 0)
		longjmp(inner, 1);
	return 7;
}

static void *leaper(void *arg)
{
	jmp_buf own;
	for (volatile int i = 0; i < 2000; i++)
		if (setjmp(own) == 0)
			longjmp(own, 1);
	return arg;
}

static void handle(int sig)
{
	siglongjmp(sigenv, sig);
}

static ucontext_t mainc, coroutine;

static void body(void)
{
	jmp_buf own;
	if (setjmp(own) == 0)
		longjmp(own, 1);
	swapcontext(&coroutine, &mainc);
	count = 50;
	swapcontext(&coroutine, &mainc);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "threads")) {
		pthread_t t[2];
		for (int i = 0; i < 2; i++)
			pthread_create(&t[i], NULL, leaper, NULL);
	}
	static char stack[65536], other[65536];
	stack_t alternative = {.ss_sp = other, .ss_size = sizeof other};
	sigaltstack(&alternative, NULL);
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
	sigaction(SIGUSR1, &action, NULL);

	if (setjmp(env) == 0) // returns twice
		through(1); // leaves
	else
		count += 10; // landed
	for (volatile int i = 0; i < 3; i++)
		if (setjmp(env) == 0) // loops
			through(i + 1); // leaves in loop
	count += contained(); // contained
	if (sigsetjmp(sigenv, 1) == 0) // signal
		raise(SIGUSR1); // raises
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = stack;
	coroutine.uc_stack.ss_size = sizeof stack;
	makecontext(&coroutine, body, 0);
	swapcontext(&mainc, &coroutine); // to the coroutine
	swapcontext(&mainc, &coroutine); // and again
	return count; // end
}
