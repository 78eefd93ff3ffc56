// Reads a word, and writes it over an address that it then goes to. With "read" it reads it once more,
// to where it is written, and with "fork" a child does all that.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct record { char name[16]; void (*show)(const char *); };

static void show(const char *s) { puts(s); }

__attribute__((noinline)) static void fill(volatile char *to, const char *from, int n)
{
	for (int i = 0; i < n; i++)
		to[i] = from[i];
}

static int again;

__attribute__((noinline)) static void refill(volatile char *to)
{
	pread(0, (char *)to, 8, 1);
}

__attribute__((noinline)) static void through_heap(const char *word)
{
	struct record *r = malloc(sizeof *r);
	r->show = show;
	again ? refill(r->name + 16) : fill(r->name + 16, word, 8);
	r->show(r->name);
	free(r);
}

__attribute__((noinline)) static int through_stack(const char *word)
{
	volatile char small[8];
	again ? refill((char *)__builtin_frame_address(0) + 8) : fill((char *)__builtin_frame_address(0) + 8, word, 8);
	return small[0];
}

int main(int argc, char **argv)
{
	again = argc > 1 && !strcmp(argv[argc - 1], "read");
	if (argc > 1 && !strcmp(argv[1], "fork") && fork()) {
		wait(0);
		return 0;
	}
	char line[16] = "";
	if (fread(line, 1, sizeof line, stdin) < 9)
		return 1;
	if (line[0] == 'h')
		through_heap(line + 1);
	else
		through_stack(line + 1);
	return 0;
}
