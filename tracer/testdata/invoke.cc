// Functions and methods that expressions call.
#include <complex>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>
#include <xmmintrin.h>

struct pair { long a, b; };
struct mixed { double d; int n; };
struct reals { float x, y, z; };
struct small { short s; char c; };
struct large { long v[5]; };
struct nothing {};
struct bounds { static const int most = -7; static constexpr bool fixed = true; int n; } limits = {3};
struct wrapped { long double it; };
enum color { red, green, blue };

double half(double x) { return x / 2; }
float twice(float x) { return x * 2; }
long double longer(long double x) { return x + 0.25L; }
double many(double a, float b, int c, double d, double e, double f, double g, double h, double i, double j, long k, long l, long m, long n, long o, long p)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k + 12 * l + 13 * m + 14 * n + 15 * o + 16 * p;
}
pair swap(pair p) { return {p.b, p.a}; }
mixed add(mixed m, int n) { return {m.d + n, m.n - n}; }
reals scale(reals r, float by) { return {r.x * by, r.y * by, r.z * by}; }
small little(small s) { return {(short)(s.s + 1), (char)(s.c + 1)}; }
large big(large l, long n) { for (long &v : l.v) v += n; return l; }
wrapped wrap(wrapped w) { w.it *= 2; return w; }
long after(nothing, long n) { return n; }
long last(long a, long b, long c, long d, long e, pair p, long f) { return p.a * 100 + p.b * 10 + f; }
__int128 wider(__int128 n) { return n * n; }
std::complex<double> turn(std::complex<double> z) { return z * std::complex<double>(0, 1); }
_Complex float spin(_Complex float z) { return z + 1.0f; }
__m128 lanes(__m128 v) { return _mm_add_ps(v, v); }
bool flip(bool b) { return !b; }
color next(color c) { return (color)(c + 1); }
int total(int n, ...)
{
	va_list list;
	va_start(list, n);
	double sum = 0;
	while (n-- > 0)
		sum += va_arg(list, double);
	va_end(list);
	return (int)sum;
}
size_t measure(const char *s) { return strlen(s); }
size_t measure(const std::string &s) { return s.size(); }
int kind(int) { return 1; }
int kind(long) { return 2; }
int kind(double) { return 3; }
int kind(const char *) { return 4; }
int kind(const pair &) { return 5; }
int kind(color) { return 6; }
int kind(void *) { return 7; }
void raise(int &n, const int &by) { n += by; }
int &place(int *list, int i) { return list[i]; }
std::string greet(const std::string &name) { return "hello " + name; }
std::string repeat(std::string s, int n) { std::string all; while (n-- > 0) all += s; return all; }

struct shape {
	int sides = 4;
	virtual ~shape() {}
	virtual double area() const { return 0; }
	virtual int corners(int more) { return sides + more; }
	const char *name() const { return "shape"; }
	static int answer() { return 42; }
};
struct named { long id = 77; long label() { return id; } virtual long same() { return id; } };
struct square : shape, named {
	double width = 3;
	double area() const override { return width * width; }
	int corners(int more) override { return 100 + more; }
	long same() override { return id + 1; }
	int grow() { return 1; }
	int grow(int by) { width += by; return (int)width; }
	double grow(double by) { width += by; return width; }
	double both(double x) const { return area() + x; }
	int inside();
};

template <class T, unsigned long N> struct boxed : shape { T it = N; double area() const override { return it; } };
boxed<unsigned short, 5> five;
shape *inbox = &five;

int (*pointer)(const char *, ...) = printf;
double (*halver)(double) = half;
int square::*unused;
double square::*width = &square::width;
int shape::*sides = &shape::sides;
double (square::*method)(double) const = &square::both;
double (shape::*virt)() const = &shape::area;
long (square::*second)() = (long (square::*)())&named::label;
void (shape::*none)() = nullptr;
int shape::*nowhere = nullptr;

pair both = {1, 2};
mixed mix = {1.5, 7};
reals three = {1, 2, 3};
small tiny = {8, 'x'};
large huge = {{1, 2, 3, 4, 5}};
wrapped deep = {1.25L};
nothing empty;
shape plain;
square sq;
shape *base = &sq;
named *side = &sq;
std::string text = "a string that is too long for the object itself";
std::string brief = "brief";
std::vector<int> numbers = {5, 6, 7};
int array[] = {10, 20, 30};
std::complex<double> z(1, 2);
_Complex float zf = 1.0f;
__m128 v = {1, 2, 3, 4};
int number = 5;
float real = 1.5f;

__attribute__((noinline)) int square::inside()
{
	__asm__ volatile("int3");
	return (int)width;
}

// results calls functions whose results are looked at when they return.
static int results()
{
	half(5), twice(2.25f), longer(1.5L), many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
	swap(both), add(mix, 2), scale(three, .5f), little(tiny), big(huge, 10), wrap(deep);
	after(empty, 6), last(1, 2, 3, 4, 5, both, 6), wider(-3), turn(z), spin(zf), lanes(v), flip(true), next(red), total(2, 1.5, 2.5);
	measure("four"), measure(text), kind(1), place(array, 1), sq.area(), sq.label(), sq.name(), shape::answer(), sq.grow(1), sq.grow(.5);
	return (int)(greet(brief).size() + repeat(brief, 3).size());
}

int main(int argc, char **)
{
	if (argc > 1)
		return results();
	numbers.at(0) += numbers.size() == 0;
	return (int)plain.area() + sq.inside() + sq.grow() + sq.grow(0) + (int)sq.grow(0.0) + (int)side->label() + shape::answer() + (int)strlen(base->name()) +
	       (int)text.size() + numbers.front() + (int)measure(text) + total(0);
}
