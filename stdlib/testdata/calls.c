// cc -g -O0 -pthread calls.c
//
// Calls of library functions: nested, in two threads, and with arguments of all kinds.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) { return strcmp(a, b); }

static void *work(void *unused)
{
	(void)unused;
	free(strdup("thread"));
	return NULL;
}

int parse(const char *text, int base) { return (int)strtol(text, NULL, base); }

int main(void)
{
	char words[3][4] = {"b", "a", "c"};
	char *p = malloc(10);
	pthread_t thread;

	strcpy(p, "hello");
	fprintf(stderr, "%s %d %c %5.2f %lx %d\n", p, -42, 'x', 1.5, 255L, 7);
	qsort(words, 3, 4, compare);
	free(p);
	pthread_create(&thread, NULL, work, NULL);
	pthread_join(thread, NULL);
	return parse(getenv("NOTHING_SUCH") ? "1" : "7", 10);
}
