// Stacks that are hard to follow. Each scene, named by the first letter of the argument, stops
// by SIGTRAP where it is, or dies there.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

static volatile int sink;

NOINLINE void trap(void)
{
	raise(SIGTRAP);
	sink++;
}

static void handler(int sig)
{
	trap();
	sink += sig;
}

NOINLINE void handle(int flags)
{
	static char stack[65536];
	stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
	sigaltstack(&alternative, NULL);
	struct sigaction act = {.sa_handler = handler, .sa_flags = flags};
	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	sink++;
}

NOINLINE void blocked(void)
{
	char byte;
	int pipes[2];
	if (pipe(pipes) == 0 && write(1, "\n", 1) == 1)
		sink += read(pipes[0], &byte, 1);
	sink++;
}

NOINLINE void vforked(void)
{
	pid_t pid = vfork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	sink++;
}

// Code that calls its argument: with a frame pointer, and with a frame of 40 bytes.
static const unsigned char framed[] = "\x55\x48\x89\xe5\x48\x83\xec\x20\xff\xd7\xc9\xc3";
static const unsigned char bare[] = "\x53\x48\x83\xec\x20\xff\xd7\x48\x83\xc4\x20\x5b\xc3";

NOINLINE void jit(const void *code, size_t n)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(page, code, n);
	((void (*)(void (*)(void)))page)(trap);
	sink++;
}

NOINLINE void smashed(size_t n)
{
	static volatile char *next, *end;
	volatile char buf[16];
	for (next = buf, end = buf + n; next < end; next++)
		*next = 'A'; // over the return address
}

NOINLINE int exhausted(int n)
{
	volatile char frame[256];
	frame[0] = n;
	return exhausted(n + 1) + frame[0];
}

NOINLINE int deep(int n)
{
	volatile char frame[16];
	frame[0] = n;
	if (n == 0)
		trap();
	else
		frame[0] += deep(n - 1);
	return frame[0];
}

static void *begin(void *arg)
{
	trap();
	return arg;
}

NOINLINE void thread(void)
{
	pthread_t t;
	pthread_create(&t, NULL, begin, NULL);
	pthread_join(t, NULL);
	sink++;
}

NOINLINE void wild(void (*f)(void))
{
	f();
	sink++;
}

int main(int argc, char **argv)
{
	switch (argv[1][0]) {
	case 'h':
		handle(0);
		break;
	case 'a':
		handle(SA_ONSTACK);
		break;
	case 'b':
		blocked();
		break;
	case 'v':
		vforked();
		break;
	case 'f':
		jit(framed, sizeof framed);
		break;
	case 'j':
		jit(bare, sizeof bare);
		break;
	case 's':
		smashed(64);
		break;
	case 'e':
		exhausted(argc);
		break;
	case 'd':
		deep(100000);
		break;
	case 't':
		thread();
		break;
	case 'w':
		wild((void (*)(void))0x1234);
	}
	return sink;
}
