// Follows a bad pointer in functions that others jump to: those have no frames.

#include <stdio.h>
#include <stdlib.h>

#define ALONE __attribute__((noipa))

struct node { struct node *next; long value; };
struct list { long size; struct node *head; };

volatile long calls;

ALONE static void spoil(struct list *l, long v) { l->head = (struct node *)(v << 20); }
ALONE static long value(struct node *n) { calls++; asm volatile("" ::: "memory"); return n->value; }
ALONE static long counted(struct node *n) { calls++; return value(n); }
ALONE static long first(struct list *l) { calls++; return counted(l->head); }

ALONE static long look(struct list *l)
{
	struct list *volatile kept = l;
	return first(kept) + (kept == l);
}

// What jumps on leaves the argument as it was at the call.
ALONE static long plain(struct list *l)
{
	struct list *volatile kept = l;
	return counted(kept->head) + (kept == l);
}

int main(void)
{
	char line[8] = "";
	struct list *volatile l = calloc(1, sizeof *l);
	if (!fgets(line, sizeof line, stdin))
		return 1;
	spoil(l, 0x1234500 + line[0]);
	return (line[0] == 'f' ? look(l) : plain(l)) != 0;
}
