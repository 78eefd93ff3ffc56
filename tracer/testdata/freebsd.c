// What the tests named after FreeBSD's trace: freebsd NAME [ARGS].
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static char **args;
static volatile int usr1, usr2, trap;

__attribute__((noinline)) void here(void) { asm volatile(""); }

static void on_signal(int sig) {
	if (sig == SIGUSR1)
		usr1++;
	else if (sig == SIGUSR2)
		usr2++;
	else
		trap++;
}

static void ready(int n) {
	printf("%d\n", n);
	fflush(stdout);
}

static void await(void) {
	char c;
	while (read(0, &c, 1) == 1 && c != '\n')
		;
}

// Exits with the number of each signal that it handled: of SIGUSR1, ten for each
// SIGUSR2, a hundred for each SIGTRAP.
static int calls(void) {
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	signal(SIGTRAP, on_signal);
	here();
	getppid();
	getppid();
	getppid();
	return usr1 + 10 * usr2 + 100 * trap;
}

// Blocks SIGUSR1, sends it to itself if there is an argument, and takes it later.
static int masked(void) {
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	signal(SIGUSR1, on_signal);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (args[2])
		raise(SIGUSR1);
	here();
	int before = usr1;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 10 * before + usr1;
}

// Exits with the number of the signal that it reads from a descriptor.
static int descriptor(void) {
	struct signalfd_siginfo info;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, 0);
	here();
	return read(fd, &info, sizeof info) == sizeof info ? info.ssi_signo : 99;
}

// Takes the lock of a file.
static int lock(void) {
	int fd = open(args[2], O_RDWR);
	ready(0);
	return flock(fd, LOCK_EX) == 0 ? 0 : 1;
}

// Makes a child, says its number, and makes a debugger: a child, or one that is no
// child of its own if there are more arguments. It looks for the end of its child all
// the while, and must not see it before the debugger has said that it is about to.
static int parent(void) {
	int fds[2], status;
	pid_t child = fork();
	if (child == 0) {
		pause();
		return 6;
	}
	pipe(fds);
	pid_t debugger = fork();
	if (debugger == 0) {
		if (args[4] && fork() != 0)
			_exit(0);
		char number[20];
		sprintf(number, "%d", child);
		setenv("TRACELARK_DEBUG", number, 1);
		dup2(fds[1], 3);
		execl(args[2], args[2], args[3], NULL);
		_exit(1);
	}
	close(fds[1]);
	if (args[4])
		waitpid(debugger, NULL, 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	char told = 0;
	for (;;) {
		pid_t pid = waitpid(child, &status, WNOHANG);
		if (pid == 0) {
			usleep(100);
			continue;
		}
		read(fds[0], &told, 1);
		if (pid != child || !told)
			return 1;
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? 0 : 2;
	}
}

// Leaves a child alone, which exits with 5 when it is told to.
static int orphan(void) {
	pid_t child = fork();
	if (child == 0) {
		await();
		return 5;
	}
	ready(child);
	pause();
	return 0;
}

static void *nothing(void *arg) { here(); return arg; }

static int birth(void) {
	int status;
	pthread_t t;
	if (fork() == 0)
		_exit(0);
	wait(&status);
	if (vfork() == 0)
		_exit(0);
	wait(&status);
	pthread_create(&t, NULL, nothing, NULL);
	pthread_join(t, NULL);
	return 0;
}

int main(int argc, char **argv) {
	static const struct { const char *name; int (*play)(void); } scenes[] = {
		{"calls", calls}, {"masked", masked}, {"descriptor", descriptor}, {"lock", lock}, {"parent", parent},
		{"orphan", orphan}, {"birth", birth},
	};
	args = argv;
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
		if (strcmp(argv[1], scenes[i].name) == 0)
			return scenes[i].play();
	return 99;
}
