// cores THREADS [wait|ARG]: fills memory of all kinds, starts threads that wait at the
// end of some calls with a value of their own in xmm7, and writes through a null
// pointer, or waits too after it has written a line.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, MIB = 1 << 20 };

const char constant[] = "in the file";
char variable[] = "in the core";
char never_touched[64 * PAGE];
char *heap, *sparse, *shared, *deleted, *private_file, *guarded, *beyond;

static int ids[1000]; // of the threads

// wait_with(value) makes the system call pause with value in xmm7.
__attribute__((noinline)) static void wait_with(uint64_t value) {
	uint64_t vector[2] = {value, ~value};
	asm volatile("movdqu %0, %%xmm7" ::"m"(vector) : "xmm7");
	for (;;)
		asm volatile("syscall" ::"a"(SYS_pause) : "rcx", "r11", "memory");
}

__attribute__((noinline)) static void deep(int n, uint64_t value) {
	if (n == 0) {
		ids[value] = gettid();
		wait_with(value);
	}
	deep(n - 1, value);
	asm volatile("");
}

static void *thread(void *arg) {
	deep(40, (uintptr_t)arg);
	return NULL;
}

// waits reports whether a thread is in the system call pause.
static int waits(int id) {
	char path[100], text[100] = "";
	snprintf(path, sizeof path, "/proc/self/task/%d/syscall", id);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	int n = read(fd, text, sizeof text - 1);
	close(fd);
	return n > 0 && atoi(text) == SYS_pause && text[0] != 'r';
}

static char *map(size_t size, int prot, int flags, int fd) {
	return mmap(NULL, size, prot, flags, fd, 0);
}

__attribute__((noinline)) static void store(int *p) { *p = 1; }

int main(int argc, char **argv) {
	int n = atoi(argv[1]);
	heap = malloc(100);
	strcpy(heap, "on the heap");
	sparse = map(64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	strcpy(sparse + 8 * MIB, "in a sparse mapping");
	strcpy(sparse + 60 * MIB, "at its end");
	shared = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	strcpy(shared, "shared without a file");
	int fd = syscall(SYS_memfd_create, "gone", 0);
	if (ftruncate(fd, PAGE) < 0)
		return 1;
	deleted = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	strcpy(deleted, "in a deleted file");
	beyond = map(3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	strcpy(beyond, "before its end");
	fd = open("/proc/self/exe", O_RDONLY);
	private_file = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	strcpy(private_file, "changed in private");
	guarded = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	strcpy(guarded, "behind a guard");
	mprotect(guarded, 2 * PAGE, PROT_NONE);
	for (int i = 1; i <= n; i++) {
		pthread_t id;
		pthread_attr_t attr;
		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, 64 * 1024);
		if (pthread_create(&id, &attr, thread, (void *)(uintptr_t)i))
			return 1;
	}
	for (int i = 1; i <= n; i++)
		while (!waits(*(volatile int *)&ids[i]))
			sched_yield();
	if (argc > 2 && !strcmp(argv[2], "wait") && write(1, "\n", 1) == 1)
		wait_with(0);
	store(NULL);
}
