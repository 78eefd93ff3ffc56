// Queue blocks all signals, sends some to itself, calls queued, gets them with a
// handler that keeps their records, and calls got.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct record {
	long signo, code, pid, uid, value, addr, status;
} records[200];
volatile int count;

__attribute__((noinline)) void queued(void) { __asm__ volatile(""); }
__attribute__((noinline)) void got(void) { __asm__ volatile(""); }

static void handle(int sig, siginfo_t *info, void *context)
{
	records[count++] = (struct record){info->si_signo, info->si_code, info->si_pid, info->si_uid, (long)info->si_value.sival_ptr, (long)info->si_addr, info->si_status};
}

int main(void)
{
	struct sigaction act = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
	for (int sig = 1; sig <= 64; sig++)
		sigaction(sig, &act, NULL);
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (long i = 0; i < 70; i++)
		sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_ptr = (void *)i});
	kill(getpid(), SIGUSR1);
	pthread_kill(pthread_self(), SIGUSR2);
	pthread_sigqueue(pthread_self(), SIGRTMIN + 1, (union sigval){.sival_int = -5});
	queued();
	sigprocmask(SIG_SETMASK, &none, NULL);
	got();
	return count;
}
