// The scenes that the engine's tests look at: scenes NAME [N].
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static char **args;
static volatile long sum;
static volatile int handled;

__attribute__((noinline)) long work(long n) { sum += n; return n * 2; }
__attribute__((noinline)) void here(void) { asm volatile(""); }
__attribute__((noinline)) long recurse(long n) { return n == 0 ? 0 : recurse(n - 1) + n; }

static int loop(long n) {
	for (long i = 0; i < n; i++)
		work(i);
	return sum == n * (n - 1) / 2 ? 0 : 1;
}

static int crash(long n) { *(volatile int *)n = 1; return 0; }
static int trap(long n) { asm volatile("int3"); return 7; }
static int finish(long n) { return work(20) == 40 ? recurse(5) : 1; }

static void on_signal(int sig) { handled++; work(0); }

static int signals(long n) {
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, SIG_IGN);
	here();
	raise(SIGUSR2);
	raise(SIGCHLD);
	raise(SIGUSR1);
	return handled;
}

static int spin(long n) {
	for (;;)
		sum++;
}

// The handler calls the function that the signal interrupts at its breakpoint.
static int storm(long n) {
	struct sigaction act = {.sa_handler = on_signal};
	sigaction(SIGALRM, &act, NULL);
	timer_t timer;
	struct itimerspec often = {{0, 1000000}, {0, 1000000}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &often, NULL);
	for (long i = 0; i < n; i++)
		recurse(1);
	timer_delete(timer);
	return 0;
}

static pthread_barrier_t barrier;

static void *worker(void *arg) {
	pthread_barrier_wait(&barrier);
	for (long i = 0; i < (long)arg; i++)
		work(i);
	return NULL;
}

static int threads(long n) {
	pthread_t t[8];
	pthread_barrier_init(&barrier, NULL, 8);
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, worker, (void *)n);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	return 0;
}

static void *nothing(void *arg) { return arg; }

static int churn(long n) {
	for (long i = 0; i < n; i++) {
		pthread_t t;
		pthread_create(&t, NULL, nothing, NULL);
		pthread_join(t, NULL);
	}
	return 0;
}

static void *breed(void *fork_too) {
	for (;;) {
		if (fork_too && fork() == 0) {
			here();
			_exit(0);
		}
		if (!fork_too) {
			pthread_t t;
			if (pthread_create(&t, NULL, nothing, NULL) == 0)
				pthread_detach(t);
		}
		sum++;
	}
}

// abandon ends in the middle of births: of threads, or of processes if n is 1.
static int abandon(long n) {
	pthread_t t;
	for (int i = 0; i < 2; i++)
		pthread_create(&t, NULL, breed, n ? &t : NULL);
	while (sum < 10)
		sched_yield();
	return 0;
}

static void *last(void *arg) {
	here();
	exit(5);
}

static int leaderless(long n) {
	pthread_t t;
	pthread_create(&t, NULL, last, NULL);
	pthread_exit(NULL);
}

static void *execer(void *arg) {
	execl(args[0], args[0], "loop", "3", NULL);
	return NULL;
}

static int threadexec(long n) {
	pthread_t t, u;
	pthread_create(&u, NULL, (void *(*)(void *))spin, NULL);
	pthread_create(&t, NULL, execer, NULL);
	pthread_join(t, NULL);
	return 1;
}

static int exec(long n) { execer(NULL); return 1; }

static int reexec(long n) { execl(args[0], args[0], "reexec", NULL); return 1; }

static int waited(pid_t pid) {
	int status;
	if (waitpid(pid, &status, 0) != pid)
		return 100;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

static int dofork(long n) {
	pid_t pid = fork();
	if (pid == 0)
		_exit(work(21));
	return waited(pid);
}

static int dovfork(long n) {
	pid_t pid = vfork();
	if (pid == 0) {
		work(1);
		_exit(work(22));
	}
	work(3);
	return waited(pid);
}

static int spawn(long n) {
	pid_t pid;
	char *argv[] = {args[0], "loop", "10", NULL};
	if (posix_spawn(&pid, args[0], NULL, NULL, argv, environ))
		return 102;
	work(4);
	return waited(pid);
}

// Says hello, sleeps for a while and exits with 0 unless the sleep was cut short.
static int nap(long n) {
	struct timespec t = {n / 1000, n % 1000 * 1000000};
	puts("ready");
	fflush(stdout);
	return nanosleep(&t, NULL) == 0 ? 0 : errno;
}

static int echo(long n) {
	char line[100];
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		work(1);
		printf("%ld %s", sum, line);
		fflush(stdout);
	}
	return 0;
}

static int affinity(long n) {
	cpu_set_t set;
	loop(1000);
	here();
	sched_getaffinity(0, sizeof set, &set);
	return CPU_COUNT(&set);
}

int main(int argc, char **argv) {
	static const struct { const char *name; int (*play)(long); } scenes[] = {
		{"loop", loop}, {"crash", crash}, {"trap", trap}, {"finish", finish}, {"signals", signals},
		{"spin", spin}, {"storm", storm}, {"threads", threads}, {"churn", churn},
		{"abandon", abandon}, {"leaderless", leaderless}, {"threadexec", threadexec}, {"exec", exec}, {"reexec", reexec},
		{"fork", dofork}, {"vfork", dovfork}, {"spawn", spawn}, {"nap", nap}, {"echo", echo},
		{"affinity", affinity},
	};
	args = argv;
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
		if (strcmp(argv[1], scenes[i].name) == 0)
			return scenes[i].play(argc > 2 ? atol(argv[2]) : 0);
	return 99;
}
