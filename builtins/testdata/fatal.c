// Dies, or does not, as its argument says.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int *nowhere;
static volatile int caught;

static void crash(void) { *nowhere = 1; }

static void mend(int sig, siginfo_t *info, void *context) {
	static int somewhere;
	(void)sig, (void)info, (void)context;
	caught++;
	nowhere = &somewhere;
}

static void *die(void *arg) {
	crash();
	return arg;
}

static void *fill(void *arg) {
	for (;;)
		memset(malloc(1 << 20), 1, 1 << 20);
	return arg;
}

static void __attribute__((noinline)) leave(void) { _exit(3); }

// waits until a process has ended
static void outlive(pid_t pid) {
	while (kill(pid, 0) == 0)
		usleep(1000);
}

int main(int argc, char **argv) {
	const char *how = argv[argc - 1];
	pid_t parent = getpid();
	pthread_t thread;
	int status = 0;
	if (strcmp(how, "handled") == 0) {
		struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
		volatile int zero = 0;
		sigaction(SIGUSR2, &action, NULL);
		raise(SIGUSR2);
		return caught + zero;
	} else if (strcmp(how, "mended") == 0) {
		// The instruction is executed again after the handler: rax is loaded anew.
		struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
		sigset_t set;
		sigaction(SIGFPE, &action, NULL);
		raise(SIGFPE);
		signal(SIGUSR1, SIG_IGN);
		raise(SIGUSR1);
		return 7;
	} else if (strcmp(how, "blocked") == 0) {
		struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
		sigset_t set;
		sigaction(SIGSEGV, &action, NULL);
		sigemptyset(&set);
		sigaddset(&set, SIGSEGV);
		sigprocmask(SIG_BLOCK, &set, NULL);
		crash();
	} else if (strcmp(how, "ignored") == 0) {
		signal(SIGSEGV, SIG_IGN);
		crash();
	} else if (strcmp(how, "thread") == 0) {
		pthread_create(&thread, NULL, die, NULL);
		pthread_join(thread, NULL);
	} else if (strcmp(how, "child") == 0) {
		if (fork() == 0) {
			if (fork() == 0)
				crash();
			wait(&status);
			_exit(WIFSIGNALED(status) ? 3 : 4);
		}
		wait(&status);
		return WEXITSTATUS(status);
	} else if (strcmp(how, "exec") == 0) {
		if (vfork() == 0) {
			execl(argv[0], argv[0], "crash", NULL);
			_exit(9);
		}
		wait(&status);
		return WIFSIGNALED(status) ? 3 : 4;
	} else if (strcmp(how, "crash") == 0) {
		crash();
	} else if (strcmp(how, "daemon") == 0) {
		if (fork() == 0) {
			setsid();
			if (fork() == 0)
				for (;;)
					pause();
			_exit(0);
		}
		wait(NULL);
		return 5;
	} else if (strcmp(how, "late") == 0) {
		struct timespec soon = {.tv_nsec = 30000000};
		if (fork() == 0) {
			setsid();
			if (fork() == 0) {
				outlive(parent);
				nanosleep(&soon, NULL);
				crash();
			}
			_exit(0);
		}
		return 6;
	} else if (strcmp(how, "behind") == 0) {
		if (fork() == 0)
			for (;;)
				caught++;
		return 8;
	} else if (strcmp(how, "greedy") == 0) {
		if (fork() == 0) {
			outlive(parent);
			fill(NULL);
		}
		return 9;
	} else if (strcmp(how, "stopped") == 0) {
		pid_t child = fork();
		if (child == 0) {
			raise(SIGSTOP);
			_exit(3);
		}
		waitpid(child, &status, WUNTRACED);
		return WIFSTOPPED(status) ? 10 : 11;
	} else if (strcmp(how, "large") == 0) {
		memset(malloc(400 << 20), 1, 400 << 20);
		leave();
	} else if (strcmp(how, "loop") == 0) {
		for (;;)
			caught++;
	} else if (strcmp(how, "memory") == 0) {
		if (fork() == 0)
			fill(NULL);
		wait(NULL);
	} else if (strcmp(how, "bomb") == 0) {
		for (;;)
			if (fork() == 0)
				pause();
	}
	return 0;
}
