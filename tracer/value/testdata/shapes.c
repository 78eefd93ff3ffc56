// Types of C for fuzzing.
enum color { RED = 1, GREEN = 2, BLUE = 4 };
union word { int whole; float real; struct { short low, high; }; };
struct item { struct item *next; char name[8]; unsigned a : 3; int b : 7; enum color color; union word word; double reals[2][3]; int (*call)(int); const char *text; long double wide; _Bool yes; _Complex float z; char tail[]; };
struct item items[2];
int grid[3][4];
void _start(void) {}
