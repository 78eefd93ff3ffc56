// Functions whose results finish reads.
#include <string>
struct pair { double x; long n; };
struct large { long v[4]; };
double half(double x) { return x / 2; }
float third(float x) { return x / 3; }
long double most() { return 1.25L; }
pair make(long n) { return {n / 2.0, n}; }
large fill(long n) { return {{n, n, n, n + 1}}; }
int &place(int *list) { return list[1]; }
std::string greet(const char *name) { return std::string("hello ") + name; }
void nothing() { __asm__ volatile(""); }
unsigned char small() { return 200; }
int list[] = {3, 4};
int main()
{
	double sum = half(5) + third(1.5f) + most() + make(7).x + fill(5).v[3] + place(list) + greet("you").size() + small();
	nothing();
	return sum == 0;
}
