// Functions with objects that are passed by reference, looked at where they begin.
#include <string>

struct owner { int id; long more; ~owner() { id = 0; } };
struct copied { int n; copied(int i) : n(i) {} copied(const copied &c) : n(c.n) {} };
struct plain { int a, b; };
struct virt { int n = 4; virtual void f() {} };
struct wide { __int128 n; };
struct empty {};

__attribute__((noinline)) int objects(owner o, copied c, plain p, virt v, int n)
{
	return o.id + (int)o.more + c.n + p.a + p.b + v.n + n;
}

__attribute__((noinline)) owner made(int first, owner o, long double big, empty, double d, int last)
{
	return {first + o.id + (int)big + (int)d + last, 3};
}

__attribute__((noinline)) int deep(int a, int b, int c, int d, int e, wide w, int f, copied g, plain h, plain i)
{
	return a + b + c + d + e + (int)w.n + f + g.n + h.b + i.b;
}

struct method {
	int bias = 100;
	__attribute__((noinline)) int call(const owner &o, std::string s) { return bias + o.id + (int)s.size(); }
};

int main()
{
	method m;
	owner o = {7, 8};
	return objects({1, 2}, copied(3), {4, 5}, virt(), 6) + made(9, o, 2.5L, {}, 0.5, 8).id + deep(1, 2, 3, 4, 5, {6}, 7, copied(8), {9, 10}, {11, 12}) + m.call(o, "text");
}
