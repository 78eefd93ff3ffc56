// A program that is busy with everything a tracer has to keep up with, and keeps
// count: 64 threads pass messages on in a ring, signal each other, make threads,
// fork, spawn, and now and then begin the program anew by exec. At a line on
// standard input it comes to its end, checks that nothing was lost or disturbed,
// and says so.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <poll.h>

#define THREADS 64
#define ROUNDS 40 // of each thread between two execs

extern char **environ;

// The books, which outlive exec in a shared mapping of a file.
static struct books {
	atomic_long sent, received, sum;  // messages, and what was passed on
	atomic_long signaled, handled;    // signals
	atomic_long made, ran;            // threads
	atomic_long forked, spawned, children;
	atomic_long execs;
	atomic_long disturbed;            // calls that failed although nothing was wrong
	atomic_long disturbance;          // one of those: its error number, and where
	atomic_int ending;
} *books;

static pthread_t threads[THREADS];
static int pipes[THREADS][2];
static pthread_barrier_t begun, done;
static char *self, *file;

static void count(atomic_long *n) { atomic_fetch_add(n, 1); }

static void disturbed(int where, int error) {
	count(&books->disturbed);
	atomic_store(&books->disturbance, where * 1000 + error);
}

static void on_signal(int sig, siginfo_t *info, void *context) {
	if (info->si_code == SI_QUEUE && info->si_pid == getpid())
		count(&books->handled);
	else
		disturbed(1, info->si_code);
}

// message is where the tests have breakpoints.
__attribute__((noinline)) static void message(int i, long n) {
	int next = (i + 1) % THREADS;
	if (write(pipes[next][1], &n, sizeof n) != sizeof n)
		disturbed(2, errno);
	count(&books->sent);
	if (read(pipes[i][0], &n, sizeof n) != sizeof n)
		disturbed(3, errno);
	count(&books->received);
	atomic_fetch_add(&books->sum, n);
}

static void *short_lived(void *arg) {
	count(&books->ran);
	return NULL;
}

static void make_thread(void) {
	pthread_t t;
	int error = pthread_create(&t, NULL, short_lived, NULL);
	if (error) {
		disturbed(4, error);
		return;
	}
	count(&books->made);
	pthread_join(t, NULL);
}

static void reap(pid_t pid, int code) {
	int status;
	if (waitpid(pid, &status, 0) != pid)
		disturbed(5, errno);
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
		disturbed(6, status);
}

static void make_process(int code) {
	pid_t pid = fork();
	if (pid == 0) {
		count(&books->children);
		_exit(code);
	}
	if (pid < 0) {
		disturbed(7, errno);
		return;
	}
	count(&books->forked);
	reap(pid, code);
}

static void spawn_process(void) {
	pid_t pid;
	char *argv[] = {self, "child", file, NULL};
	int error = posix_spawn(&pid, self, NULL, NULL, argv, environ);
	if (error) {
		disturbed(8, error);
		return;
	}
	count(&books->spawned);
	reap(pid, 9);
}

static void signal_thread(pthread_t t) {
	union sigval value = {.sival_int = 1};
	int error = pthread_sigqueue(t, SIGRTMIN + 3, value);
	if (error == 0)
		count(&books->signaled);
	else if (error != EAGAIN)
		disturbed(9, error);
}

static void begin_anew(void) {
	while (atomic_load(&books->handled) != atomic_load(&books->signaled))
		sched_yield();
	count(&books->execs);
	char *argv[] = {self, "again", file, NULL};
	execv(self, argv);
	disturbed(10, errno);
	exit(1);
}

static void *worker(void *arg) {
	int i = (long)arg;
	pthread_barrier_wait(&begun);
	for (int n = 0; n < ROUNDS; n++) {
		message(i, n);
		signal_thread(threads[(i * 7 + n) % THREADS]);
		if ((n + i) % 16 == 0)
			make_thread();
		if ((n + i) % 20 == 0)
			make_process(i);
		if ((n + i) % 40 == 10)
			spawn_process();
	}
	pthread_barrier_wait(&done);
	if (i == 5 && !atomic_load(&books->ending))
		begin_anew();
	return NULL;
}

// told reports whether there is a line on standard input.
static int told(void) {
	struct pollfd in = {0, POLLIN};
	return poll(&in, 1, 0) > 0;
}

// open_books maps the file; the threads of a second process may be doing so too.
static void open_books(const char *number) {
	books = mmap(NULL, sizeof *books, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(number), 0);
	if (books == MAP_FAILED)
		_exit(2);
}

static int check(void) {
	long execs = atomic_load(&books->execs);
	long sum = THREADS * (execs + 1) * (ROUNDS * (ROUNDS - 1) / 2);
	sigset_t mask, pending;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigpending(&pending);
	printf("messages %ld %ld sum %ld %ld signals %ld %ld threads %ld %ld children %ld %ld execs %ld disturbed %ld (%ld) masked %d pending %d\n",
		books->sent, books->received, books->sum, sum, books->signaled, books->handled, books->made, books->ran,
		books->forked + books->spawned, books->children, execs, books->disturbed, books->disturbance, !sigisemptyset(&mask), !sigisemptyset(&pending));
	fflush(stdout);
	return books->sent != books->received || books->sum != sum || books->signaled != books->handled || books->made != books->ran ||
		books->forked + books->spawned != books->children || books->disturbed || !sigisemptyset(&mask) || !sigisemptyset(&pending);
}

int main(int argc, char **argv) {
	char number[20];
	self = argv[0];
	if (argc == 1) {
		int fd = memfd_create("books", 0);
		if (fd < 0 || ftruncate(fd, sizeof *books))
			return 2;
		sprintf(number, "%d", fd);
		file = number;
	} else {
		file = argv[2];
	}
	open_books(file);
	if (argc > 1 && strcmp(argv[1], "child") == 0) {
		count(&books->children);
		return 9;
	}
	if (argc == 1) {
		puts("ready");
		fflush(stdout);
	}
	struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	sigaction(SIGRTMIN + 3, &act, NULL);
	pthread_barrier_init(&begun, NULL, THREADS + 1);
	pthread_barrier_init(&done, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		if (pipe2(pipes[i], O_CLOEXEC))
			return 2;
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, worker, (void *)i))
			return 2;
	pthread_barrier_wait(&begun);
	if (told())
		atomic_store(&books->ending, 1);
	pthread_barrier_wait(&done);
	if (!atomic_load(&books->ending))
		for (;;)
			pause();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	while (atomic_load(&books->handled) != atomic_load(&books->signaled) && !atomic_load(&books->disturbed))
		sched_yield();
	return check();
}
