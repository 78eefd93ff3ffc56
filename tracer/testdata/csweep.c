// Csweep measures what it costs to attach to a process with many threads, without
// a debugger around it: the floor for the engine's attach. It makes the process
// itself and prints one "name ns" line an operation, the mean of several.
//
//	csweep [threads]
//
// attach  SEIZE and INTERRUPT all threads of /proc/PID/task, then wait for all
// detach  DETACH them
//
// "csweep target N" is such a process alone: N threads that wait for ever.

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REPEAT = 20 };

static pid_t *tids;
static int count;

static void die(const char *what)
{
	fprintf(stderr, "csweep: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *block(void *arg)
{
	for (;;)
		pause();
}

static void target(int threads)
{
	pthread_attr_t attr;
	pthread_t t;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	for (int i = 1; i < threads; i++)
		if ((errno = pthread_create(&t, &attr, block, NULL)))
			die("pthread_create");
	if (write(1, "ready\n", 6) != 6)
		die("write");
	block(NULL);
}

static void attach(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *dir = opendir(path);
	if (!dir)
		die(path);
	count = 0;
	for (struct dirent *e; (e = readdir(dir));)
		if (e->d_name[0] != '.') {
			pid_t tid = tids[count++] = atoi(e->d_name);
			if (ptrace(PTRACE_SEIZE, tid, 0, 0) < 0)
				die("PTRACE_SEIZE");
		}
	closedir(dir);
	for (int i = 0; i < count; i++)
		if (ptrace(PTRACE_INTERRUPT, tids[i], 0, 0) < 0)
			die("PTRACE_INTERRUPT");
	for (int i = 0; i < count; i++) {
		int status;
		if (waitpid(-1, &status, __WALL) < 0 || !WIFSTOPPED(status))
			die("waitpid");
	}
}

static void detach(void)
{
	for (int i = 0; i < count; i++)
		if (ptrace(PTRACE_DETACH, tids[i], 0, 0) < 0)
			die("PTRACE_DETACH");
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "target"))
		target(atoi(argv[2]));
	int threads = argc > 1 ? atoi(argv[1]) : 1000, ready[2];
	char line[6];
	if (threads < 1 || !(tids = calloc(threads, sizeof *tids)) || pipe(ready) < 0) {
		fputs("usage: csweep [threads]\n", stderr);
		return 2;
	}
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ready[1], 1);
		target(threads);
	}
	if (read(ready[0], line, sizeof line) != sizeof line)
		die("the target did not start");
	double attached = 0, detached = 0;
	for (int i = 0; i <= REPEAT; i++) {
		double t0 = now();
		attach(pid);
		double t1 = now();
		detach();
		if (i > 0) { // the first warms up
			attached += t1 - t0;
			detached += now() - t1;
		}
	}
	printf("attach %.0f\ndetach %.0f\n", attached / REPEAT, detached / REPEAT);
	kill(pid, SIGKILL);
	return 0;
}
