// Family makes children as its argument says, collects them, and exits with 1 if
// each has exited with 2. With a second argument it says who it is first, and waits
// for a line. Parents call work(10), children work(20), the programs that they execute
// work(30).

#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *self;
static atomic_long sum;

__attribute__((noinline)) long work(long n) { return sum += n; }

static int code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 100; }

static int collect(pid_t pid) {
	int status;
	work(10);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || code(status) != 2)
		return 3;
	return 1;
}

static int dofork(void) {
	pid_t pid = fork();
	if (pid == 0) {
		work(20);
		_exit(2);
	}
	return collect(pid);
}

static int dovfork(void) {
	pid_t pid = vfork();
	if (pid == 0) {
		work(20);
		_exit(2);
	}
	return collect(pid);
}

// The child and the grandchild run in their parent's memory.
static int nested(void) {
	pid_t pid = vfork();
	if (pid == 0) {
		work(20);
		pid_t grandchild = vfork();
		if (grandchild == 0) {
			work(21);
			_exit(2);
		}
		_exit(collect(grandchild) == 1 ? 2 : 3);
	}
	return collect(pid);
}

static int tree(void) {
	pid_t pid = fork();
	if (pid == 0)
		_exit(dofork() == 1 ? 2 : 3);
	return collect(pid);
}

static int vexec(void) {
	pid_t pid = vfork();
	if (pid == 0) {
		work(20);
		execl(self, self, "program", NULL);
		_exit(127);
	}
	return collect(pid);
}

static int spawn(void) {
	pid_t pid;
	char *argv[] = {self, "program", NULL};
	if (posix_spawn(&pid, self, NULL, NULL, argv, environ))
		return 4;
	return collect(pid);
}

static char *command(void) {
	static char line[4096];
	snprintf(line, sizeof line, "'%s' program", self);
	return line;
}

static int dosystem(void) {
	int status = system(command());
	work(10);
	return code(status) == 2 ? 1 : 3;
}

static int dopopen(void) {
	FILE *f = popen(command(), "r");
	work(10);
	return f && code(pclose(f)) == 2 ? 1 : 3;
}

static int sharer(void *arg) {
	work(20);
	_exit(2);
}

// The child runs in its parent's memory at the same time.
static int share(void) {
	static char stack[1 << 16];
	return collect(clone(sharer, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL));
}

// The instruction in it is not emulated.
__attribute__((noinline)) static void count(long n) {
	while (n--)
		__asm__ volatile(".globl counted\ncounted: lock incq %0" : "+m"(sum));
}

static int counter(void *n) {
	count(*(long *)n);
	_exit(2);
}

// Both execute the same instruction at the same time.
static int race(long n) {
	static char stack[1 << 16];
	pid_t pid = clone(counter, stack + sizeof stack, CLONE_VM | SIGCHLD, &n);
	count(n);
	return collect(pid);
}

static int sprint(void) { return race(200); }
static int marathon(void) { return race(1L << 60); }

static atomic_bool done;

static void *busy(void *arg) {
	while (!done)
		work(0);
	return NULL;
}

// Another thread works all the while.
static int threads(void) {
	pthread_t t;
	pthread_create(&t, NULL, busy, NULL);
	int result = vexec();
	done = 1;
	pthread_join(t, NULL);
	return result;
}

static pthread_barrier_t both;

static void *breeder(void *arg) {
	for (;;) {
		pthread_barrier_wait(&both);
		pid_t pid = syscall(SYS_fork);
		if (pid == 0)
			_exit(2);
		collect(pid);
	}
}

// Two threads make children at the same time, for ever: not with fork, which has a
// lock.
static int breed(void) {
	pthread_t t;
	pthread_barrier_init(&both, NULL, 2);
	pthread_create(&t, NULL, breeder, NULL);
	breeder(NULL);
	return 0;
}

static int program(void) {
	work(30);
	return 2;
}

int main(int argc, char **argv) {
	static const struct { const char *name; int (*play)(void); } scenes[] = {
		{"fork", dofork}, {"vfork", dovfork}, {"nested", nested}, {"tree", tree}, {"vexec", vexec}, {"spawn", spawn},
		{"system", dosystem}, {"popen", dopopen}, {"share", share}, {"threads", threads}, {"breed", breed},
		{"program", program}, {"sprint", sprint}, {"marathon", marathon},
	};
	char line[10];
	self = realpath("/proc/self/exe", NULL);
	if (argc > 2) {
		printf("%d\n", getpid());
		fflush(stdout);
		fgets(line, sizeof line, stdin);
	}
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
		if (strcmp(argv[1], scenes[i].name) == 0)
			return scenes[i].play();
	return 99;
}
