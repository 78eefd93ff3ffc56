// Variables for values.star.
#include <signal.h>
#include <stdlib.h>

enum color { RED, GREEN = 5, BLUE };
enum flags { READ = 1, WRITE = 2 };
struct header { unsigned len : 5; int kind : 3; char tag[8]; };
struct req { struct header header; struct req *next; int values[6]; const char *name; enum color color; enum flags flags; union { int whole; float real; }; double ratio; };

int counter = 42;
static struct req pool[3];
__thread int own = 11;

__attribute__((noinline)) int handle(struct req *req, int n, struct header by_value, const char *text)
{
	struct req copy = *req;
	register int hot = n * 3;
	int table[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
	int lost = rand();
	counter = lost;
	counter = 42;
	int outer = 1;
	{
		int outer = 2;
		raise(SIGTRAP);
		counter += outer;
	}
	return copy.values[0] + hot + outer + table[1][2] + by_value.kind + text[0] + own;
}

int main(void)
{
	struct req *req = &pool[1];
	*req = (struct req){ { 17, -2, "tag" }, pool, { 1, 2, 3, 4 }, "first\n", BLUE, READ | WRITE, { 7 }, 0.5 };
	return handle(req, 12, req->header, "text") != 0;
}
