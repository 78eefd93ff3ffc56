// cc -g -O0 written.c
//
// Writes to a variable, to a field, and to a block that moves and ends.
#include <stdlib.h>
#include <string.h>

struct item {
	char name[12];
	int count;
	struct item *next;
};

static int total;
static struct item first = {"first", 1, NULL}, *items = &first;

static void add(int n) { total += n; }

static void reset(void) { total = 0; }

static void rename_item(struct item *i, const char *name) { strcpy(i->name, name); }

static void release(long *block) { free(block); }

int main(void)
{
	for (int i = 1; i <= 5; i++)
		add(i);
	reset();
	reset();
	items->count++;
	rename_item(items, "second");

	long *block = calloc(4, sizeof *block);
	block[2] = 5;
	void *wall = malloc(16); // the block cannot grow where it is
	block = realloc(block, 1 << 20);
	block[2] = 6;
	release(block);
	free(wall);
	return total;
}
