// What a copy of a checkpoint may do before it crashes. Its tracer sets the mode, where
// main begins.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

volatile int mode;
static char text[1 << 16] = "what was there", space[1 << 16];
static const char fixed[4096] __attribute__((aligned(4096))) = "read-only";
static __thread int own = 1;
static char *early, *page;

static void *nothing(void *arg) { return arg; }
static void handle(int sig) { (void)sig; }

static int deep(int n) {
	volatile char pad[4096];
	memset((char *)pad, n, sizeof pad);
	return n == 0 ? pad[0] : deep(n - 1) + pad[1];
}

static void change(void) {
	sigset_t set;
	struct rlimit limit = {100, 100};
	struct itimerval soon = {{0, 0}, {100, 0}};
	struct sigaction act = {.sa_handler = handle};
	pthread_t thread;
	char name[64];
	unsigned mxcsr = 0x3f80;
	int fd;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	switch (mode) {
	// These are undone.
	case 1: memset(text, 1, sizeof text); own = 2; space[5000] = 1; early[7] = 9; break;
	case 2: for (int i = 0; i < 300; i++) memset(malloc(5000), 3, 5000); break;
	case 3: memset(realloc(memset(malloc(1 << 20), 1, 1 << 20), 3 << 20), 2, 3 << 20); break;
	case 4: open("/dev/null", O_RDWR); dup(open("/proc/self/maps", O_RDONLY)); socket(AF_UNIX, SOCK_STREAM, 0); break;
	case 5: sigprocmask(SIG_BLOCK, &set, NULL); break;
	case 6: __asm__ volatile("ldmxcsr %0; movq %1, %%xmm7; fld1" : : "m"(mxcsr), "r"(0x1234L) : "xmm7"); break;
	case 7: deep(200); break;
	case 8: munmap(page, 4096); break;
	case 9: madvise(page, 4096, MADV_DONTNEED); break;
	case 10:
		mprotect((void *)fixed, 4096, PROT_READ | PROT_WRITE);
		memset((void *)fixed, 1, 4096);
		mprotect((void *)fixed, 4096, PROT_READ);
		break;
	case 11: munmap(page, 4096); mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); break;
	case 12: abort();
	case 13: fd = space[9000]; lseek(0, fd, SEEK_CUR); break;
	case 14: free(early); free(early); break;
	case 15: sbrk(100); break;
	// These are not.
	case 101: pthread_create(&thread, NULL, nothing, NULL); pthread_join(thread, NULL); break;
	case 102: if (fork() == 0) _exit(0); wait(NULL); break;
	case 103: sigaction(SIGUSR1, &act, NULL); break;
	case 104: chdir("/"); break;
	case 105: dup2(1, 0); break;
	case 106: close(0); break;
	case 107: mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); break;
	case 108: setitimer(ITIMER_REAL, &soon, NULL); break;
	case 109: sigprocmask(SIG_BLOCK, &set, NULL); raise(SIGUSR1); break;
	case 110: setrlimit(RLIMIT_NOFILE, &limit); break;
	case 111: prctl(PR_SET_NAME, "other"); break;
	case 112: umask(0); break;
	case 113: fcntl(0, F_SETFL, O_NONBLOCK); break;
	case 114:
		snprintf(name, sizeof name, "/tmp/recycle.%d", getpid());
		close(open(name, O_CREAT | O_EXCL, 0600));
		unlink(name);
		break;
	}
}

__attribute__((noinline)) static void begin(void) { __asm__ volatile(""); }

int main(void) {
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	early = strcpy(malloc(100), "early");
	strcpy(page, "a page");
	begin();
	change();
	*(volatile int *)8 = 1;
}
