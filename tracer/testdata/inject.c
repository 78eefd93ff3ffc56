// What injected system calls and inferior calls are tried on: inject SCENE.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

volatile long seen, total, signals;

__attribute__((noinline)) void here(void) { asm volatile(""); }

// Called from the tests.
long ten(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j) {
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}
long aligned(void) { return (long)__builtin_frame_address(0) & 15; }
long poke(long *p) { return *p = 1; }
long work(long n) { seen += n; return n * 2; }
long twice(long n) { return work(n) + work(n); }
long forever(void) { for (;;) seen++; }
long send(int sig) { return raise(sig) + 5; }
long quit(int code) { exit(code); }
long rest(long ms) { return usleep(1000 * ms); }
long blocks(int sig) { sigset_t s; sigemptyset(&s); sigaddset(&s, sig); return sigprocmask(SIG_BLOCK, &s, NULL); }
long smash(void) {
	double x[64];
	for (int i = 0; i < 64; i++)
		x[i] = i * 1.5 + seen;
	asm volatile("fninit; fld1; fldpi; pcmpeqb %%xmm0, %%xmm0; movaps %%xmm0, %%xmm7; movaps %%xmm0, %%xmm15; stc; std; cld"
		::: "xmm0", "xmm7", "xmm15", "memory");
	return x[seen & 63] + snprintf((char *)x, sizeof x, "%f", x[5]);
}

static void on_signal(int sig, siginfo_t *info, void *context) {
	int value = info->si_code == SI_QUEUE ? info->si_value.sival_int : 0;
	seen = 100 * seen + value;
	total += value;
	signals++;
}

static void handle(int sig) {
	struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	sigaction(sig, &act, NULL);
}

static int say(const char *word) { puts(word); fflush(stdout); return 0; }

// Sleeps until the time given and exits with 0 unless a system call said otherwise.
static int nap(void) {
	struct timespec t = {0, 400000000};
	handle(SIGUSR1);
	say("ready");
	return nanosleep(&t, NULL) == 0 ? 0 : errno;
}

static int pollnap(void) {
	say("ready");
	return poll(NULL, 0, 400) == 0 ? 0 : errno;
}

static int reader(void) {
	char c;
	handle(SIGUSR1);
	say("ready");
	return read(0, &c, 1) == 1 ? c : errno;
}

static int copy(void) {
	static char from[1 << 16], to[1 << 16];
	char *s = from, *d = to;
	long n = sizeof from;
	handle(SIGUSR2);
	memset(from, 7, sizeof from);
	asm volatile("copying: .globl copying\nrep movsb" : "+S"(s), "+D"(d), "+c"(n) :: "memory");
	return memcmp(from, to, sizeof from) || n ? 1 : 0;
}

static int queued(void) {
	sigset_t s;
	handle(SIGRTMIN);
	here();
	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &s, NULL);
	for (int i = 41; i <= 43; i++)
		sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	if (signals != 3 || total != 41 + 42 + 43)
		return 1;
	return seen == 414243 ? 0 : 2;
}

static void *sleeper(void *arg) {
	struct timespec t = {0, 200000000};
	pthread_barrier_wait(arg);
	return (void *)(long)(nanosleep(&t, NULL) == 0 ? 0 : errno);
}

static int threads(void) {
	pthread_t t[4];
	static pthread_barrier_t barrier;
	void *failed;
	long all = 0;
	pthread_barrier_init(&barrier, NULL, 5);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, sleeper, &barrier);
	pthread_barrier_wait(&barrier);
	here();
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &failed);
		all += (long)failed;
	}
	return all;
}

static int child(void) {
	int status;
	here();
	return wait(&status) > 0 ? 10 + WEXITSTATUS(status) : 0;
}

// A restartable sequence: says whether it was aborted.
static int sequence(void) {
	long aborted = 0;
	asm volatile(
		".pushsection __rseq_cs, \"aw\"\n"
		".balign 32\n"
		"0: .long 0, 0; .quad 1f, 2f - 1f, 3f\n"
		".popsection\n"
		"lea 0b(%%rip), %%rax\n"
		"mov %%rax, %%fs:8(%1)\n"
		"1: nop\n"
		".globl critical; critical: nop\n"
		"nop\n"
		"2: jmp 4f\n"
		".byte 0x0f, 0xb9, 0x3d; .long 0x53053053\n"
		"3: mov $1, %0\n"
		"4:"
		: "+r"(aborted) : "r"((long)__rseq_offset) : "rax", "memory");
	return aborted;
}

static int plain(void) { here(); return 3; }
static int vforks(void) {
	if (vfork() == 0) {
		here();
		_exit(6);
	}
	return child() - 10;
}

int main(int argc, char **argv) {
	static const struct { const char *name; int (*play)(void); } scenes[] = {
		{"nap", nap}, {"pollnap", pollnap}, {"read", reader}, {"copy", copy}, {"queued", queued},
		{"threads", threads}, {"child", child}, {"plain", plain}, {"vfork", vforks},
		{"sequence", sequence},
	};
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
		if (strcmp(argv[1], scenes[i].name) == 0)
			return scenes[i].play();
	return 99;
}
