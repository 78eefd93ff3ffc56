// Reads a line, and follows a pointer that it makes of the line's second byte; with an
// argument in a child that vfork makes.

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct node { struct node *next; long value; };
struct list { struct node *head; } list;

__attribute__((noinline)) void corrupt(struct list *l, long v) { l->head = (struct node *)(v << 20); }
__attribute__((noinline)) void set(struct list *l) { l->head = calloc(1, sizeof *l->head); }
__attribute__((noinline)) long first(struct list *l) { return l->head->value; }

int main(int argc, char **argv)
{
	char line[32] = "";
	if (argc > 1) {
		if (vfork() == 0) {
			execl("/proc/self/exe", argv[0], NULL);
			_exit(1);
		}
		return wait(NULL) < 0;
	}
	if (!fgets(line, sizeof line, stdin))
		return 1;
	for (int i = 0; i < 5; i++)
		set(&list);
	if (line[0] == 'x')
		corrupt(&list, 0x1234567 + line[1]);
	return first(&list) != 0;
}
