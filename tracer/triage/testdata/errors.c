// A program with errors that sanitizers find: the argument names the one to make.

#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

volatile int sink;
int global[4];
char *volatile held;

NOINLINE char *allocate(size_t n) { return malloc(n); }
NOINLINE void release(char *p) { free(p); }

NOINLINE void heap_write(void) { char *volatile p = allocate(10); p[10] = 1; }
NOINLINE void heap_read(void) { char *volatile p = allocate(10); sink = *(int *)(p + 8); }
NOINLINE void use_after_free(void) { char *volatile p = allocate(32); release(p); p[4] = 1; }
NOINLINE void read_after_free(void) { char *volatile p = allocate(32); release(p); sink = p[4]; }
NOINLINE void double_free(void) { char *volatile p = allocate(32); release(p); release(p); }
NOINLINE void bad_free(void) { char *volatile p = allocate(32); release(p + 4); }
NOINLINE void global_read(void) { volatile int i = 4; sink = global[i]; }
NOINLINE void stack_write(void) { volatile char buf[16]; volatile int i = 16; buf[i] = 1; sink = buf[0]; }
NOINLINE void scope(void) { volatile char *volatile p; { volatile char c[8]; p = c; } *p = 1; }
NOINLINE void overlap(void) { char buf[32] = "0123456789"; volatile int n = 8; memcpy(buf + 2, buf, n); sink = buf[3]; }
NOINLINE void negative(void) { char buf[32] = ""; volatile long n = -1; memmove(buf, buf + 1, n); sink = buf[3]; }
NOINLINE void null_write(void) { *(volatile int *)8 = 1; }
NOINLINE void wild_read(void) { sink = *(volatile int *)0x123456789000; }
NOINLINE int recursion(int n) { volatile char buf[512]; buf[n & 255] = n; return recursion(n + 1) + buf[0]; }
NOINLINE void exhausted(void) { sink = recursion(0); }
NOINLINE void huge(void) { volatile size_t n = -1; held = malloc(n >> 1); }
NOINLINE void leak(void) { held = allocate(100); held = 0; }
NOINLINE void aborted(void) { abort(); }
NOINLINE void calloc_overflow(void) { volatile size_t n = -1; held = calloc(n, 16); }
NOINLINE void reallocarray_overflow(void) { volatile size_t n = -1; held = reallocarray(0, n, 16); }
NOINLINE void pvalloc_overflow(void) { volatile size_t n = -1; held = pvalloc(n); }
NOINLINE void aligned(void) { volatile size_t n = 3; held = aligned_alloc(n, 16); }
NOINLINE void posix_aligned(void) { volatile size_t n = 3; void *p; sink = posix_memalign(&p, n, 16); }
NOINLINE void memory_aligned(void) { volatile size_t n = 3; held = memalign(n, 16); }
NOINLINE void usable(void) { sink = malloc_usable_size((void *)&sink); }
NOINLINE void dynamic(void) { volatile int n = 10; char *volatile p = __builtin_alloca(n); p[n] = 1; }
NOINLINE int *escape(void) { int a[4]; int *volatile p = a; return p; }
NOINLINE void spoiled(void) { char *volatile p = allocate(32); memset(p - 16, 1, 16); release(p); }
NOINLINE void outside(void) { char *volatile p = allocate(4096); p[4096 + 64] = 1; }
NOINLINE void returned(void) { int *volatile p = escape(); p[1] = 2; }
__attribute__((weak)) void __asan_poison_memory_region(void const volatile *, size_t);
NOINLINE void poison(void) { char *volatile p = allocate(100); __asan_poison_memory_region(p + 32, 16); sink = p[40]; }

NOINLINE void overflow(void) { volatile int i = 0x7fffffff; sink = i + 1; }
NOINLINE void shift(void) { volatile int n = 40; sink = 1 << n; }
NOINLINE void divide(void) { volatile int zero = 0; sink = 7 / zero; }
NOINLINE void bounds(void) { volatile int i = 7; sink = global[i]; }
NOINLINE void misaligned(void) { _Alignas(16) char buf[16] = ""; int *volatile p = (int *)(buf + 1); sink = *p; }
NOINLINE void null_load(void) { int *volatile p = 0; sink = *p; }

NOINLINE void uninitialized(void) { int *volatile p = malloc(16); if (p[1]) sink = 1; }

int raced;
void *racer(void *arg) { for (int i = 0; i < 1000; i++) raced++; return arg; }
NOINLINE void race(void)
{
	pthread_t t;
	pthread_create(&t, 0, racer, 0);
	racer(0);
	pthread_join(t, 0);
}

#define ERROR(f) {#f, f}
static const struct { const char *name; void (*run)(void); } errors[] = {
	ERROR(heap_write), ERROR(heap_read), ERROR(use_after_free), ERROR(read_after_free), ERROR(double_free), ERROR(bad_free), ERROR(global_read),
	ERROR(stack_write), ERROR(scope), ERROR(overlap), ERROR(negative), ERROR(null_write), ERROR(wild_read), ERROR(exhausted), ERROR(huge),
	ERROR(calloc_overflow), ERROR(reallocarray_overflow), ERROR(pvalloc_overflow), ERROR(aligned), ERROR(posix_aligned), ERROR(memory_aligned),
	ERROR(usable), ERROR(dynamic), ERROR(returned), ERROR(spoiled), ERROR(outside), ERROR(poison), ERROR(leak), ERROR(aborted), ERROR(overflow), ERROR(shift), ERROR(divide), ERROR(bounds), ERROR(misaligned), ERROR(null_load),
	ERROR(uninitialized), ERROR(race),
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (argc > 1 && !strcmp(errors[i].name, argv[1]))
			errors[i].run();
	return 0;
}
