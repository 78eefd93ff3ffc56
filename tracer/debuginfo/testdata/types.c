/* Types of C in all their forms. */
#include <stdint.h>
#include <stdatomic.h>

struct later;
typedef struct later later_t;
typedef int (*callback)(const char *, int, ...);
typedef uint32_t flags_t;

enum color { RED, GREEN = 5, BLUE, NEGATIVE = -3 };

struct bits {
	unsigned a : 3;
	unsigned b : 7;
	signed c : 5;
	uint64_t wide : 40;
	_Bool on : 1;
	char tail;
};

union word {
	uint32_t whole;
	uint16_t halves[2];
	struct {
		uint8_t low, high;
	} parts;
};

struct later {
	struct later *next;
	callback call;
	char *(*table)[10];
	int grid[2][3];
	const char *const names[4];
	volatile int *restrict v;
	struct {
		int x, y;
	};
	union {
		long l;
		double d;
	} either;
	enum color color;
	enum { ONE = 1, TWO } small;
	flags_t flags;
	_Atomic int atomic;
	void *opaque;
	void (*(*nested)(int))(char);
	long double ld;
	_Complex double z;
	__int128 huge;
	char flexible[];
};

struct bits bits;
union word word;
struct later *later;
later_t *alias;
enum color color;
callback call;
char *(*table)[10];
int grid[2][3];
const char *const names[4];
volatile const unsigned long *const cv;
void (*(*nested)(int))(char);
_Bool truth;
int (*unprototyped)();
struct { int x, y; } anonymous;

int main(int argc, char **argv)
{
	int vla[argc];
	vla[0] = argc;
	return vla[0] & 1;
}
