// Structures with all that a layout shows: holes, bit-fields, padding, cache lines.
#include <stdint.h>

struct point { int x, y; };
struct holes { char a; int b; char c; long d; short e; };
struct bits { unsigned a : 3; unsigned b : 5; unsigned : 4; unsigned c : 9; unsigned long d : 33; char e; };
struct pointers { void *p; char *names[4]; int (*call)(int, char *); const struct point *at; struct pointers *next; };
struct nested { int kind; union { long number; char text[20]; struct { short a; long b; }; }; struct { int x; char y; } inner; };
struct large { char head[60]; long a; struct point points[20]; char tail; };
struct __attribute__((packed)) tight { char a; int b; long c; };
struct exact { long a[8]; };
struct lines { long a[8]; int b; char c; };
union either { int a; double b; char c[16]; };
enum colour { red, green };
typedef unsigned long word;
struct mixed { enum colour colour; word w; _Bool flag; float f; double d; volatile int v; struct point p; uint8_t bytes[3]; };
struct flexible { int n; int data[]; };

struct holes holes; struct bits bits; struct pointers pointers; struct nested nested; struct large large;
struct tight tight; struct exact exact; struct lines lines; union either either; struct mixed mixed; struct flexible flexible;
int main(void) { return 0; }
struct single { char a; short b; unsigned c : 7; int d; } single;
struct tailed { int a; char b; };
struct holder { struct tailed one; struct tailed list[2]; char last; } holder;
