// A function whose variables the functions that it calls save, and a signal handler.
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

volatile int sink;

__attribute__((noinline)) void leaf(int n) { sink += n; }

__attribute__((noinline)) void busy(int n)
{
	// All registers that a function keeps for its caller are in use here.
	int a = sink, b = a + n, c = b * 3, d = c ^ a, e = d + b;
	for (int i = n; i >= 0; i--) {
		leaf(i);
		a += sink, b ^= a, c += b, d -= c, e ^= d;
	}
	sink = (a + b + c + d + e) & 0;
}

__attribute__((noinline)) int outer(int first, int second)
{
	register long kept __asm__("rbx") = first + 1000;
	register long other __asm__("r12") = second;
	__asm__ volatile("" : "+r"(kept), "+r"(other));
	busy(3);
	__asm__ volatile("" : "+r"(kept), "+r"(other));
	return kept + other;
}

void elsewhere(void) { _Exit(99); }

void handler(int sig) { sink = sig; }

__attribute__((noinline)) int interrupted(void)
{
	int result;
	__asm__ volatile("mov $3, %%eax\n\tud2" : "=a"(result));
	return result;
}

void skip(int sig, siginfo_t *info, void *context)
{
	(void)info;
	((ucontext_t *)context)->uc_mcontext.gregs[16] += 2;
	handler(sig);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		struct sigaction action = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
		sigaction(SIGILL, &action, 0);
		return interrupted();
	}
	return outer(argc, 2);
}
