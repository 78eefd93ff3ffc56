// Classes, at stops that raise SIGTRAP by an instruction of their own.
#include <cstdint>
#include <cstring>

#define STOP asm volatile("int3" ::: "memory")
#define KEEP(x) asm volatile("" : : "g"(x) : "memory")

namespace geo {

enum class Color : uint8_t { Red = 1, Green, Blue = 200 };
enum Plain { One = 1, Two };

struct Shape {
	static int count;
	Color color = Color::Red;
	virtual ~Shape() {}
	virtual double area() const = 0;
};
int Shape::count = 7;

struct Named : virtual Shape { char name[8] = "square"; };
struct Tagged : virtual Shape { unsigned tag : 5; signed level : 4; bool on : 1; };
struct Square final : Named, Tagged {
	double side;
	explicit Square(double s) : side(s) { tag = 21; level = -3; on = true; }
	double area() const override { return side * side; }
	__attribute__((noinline)) double scaled(int by) const
	{
		double result = side * by;
		STOP;
		KEEP(&result);
		return result;
	}
};

struct Base { int a = 1; };
struct Derived : Base { int b = 2; Base inner; };
template <typename T, int N> struct Ring { T items[N]; int head; };
union Word { uint32_t whole; struct { uint16_t low, high; }; uint8_t bytes[4]; };

} // namespace geo

static int global_function(int n) { return n; }

__attribute__((noinline)) int look(const geo::Shape &shape, geo::Derived &derived, geo::Derived &&moved, geo::Color color, int &number)
{
	geo::Ring<int, 4> ring = { { 1, 2, 3 }, 2 };
	geo::Ring<double, 2> reals = {};
	geo::Word word = { 0x12345678 };
	geo::Plain plain = geo::Two;
	const geo::Shape *p = &shape;
	decltype(nullptr) null = nullptr;
	int geo::Derived::*member = &geo::Derived::b;
	int geo::Derived::*inherited = &geo::Derived::a;
	int geo::Derived::*nowhere;
	memset(&nowhere, 1, sizeof nowhere);
	char accents[8] = "\u00e9t\u00e9";
	int (&function)(int) = global_function;
	geo::Derived copy = derived;
	bool flag = true;
	wchar_t wide = L'w';
	STOP;
	KEEP(&ring); KEEP(&reals); KEEP(&word); KEEP(&plain); KEEP(&p); KEEP(&null); KEEP(&member); KEEP(&inherited); KEEP(&nowhere); KEEP(&accents); KEEP(&function); KEEP(&copy); KEEP(&flag); KEEP(&wide);
	return number + geo::Shape::count + static_cast<int>(color);
}

int main()
{
	geo::Square square(2.5);
	geo::Derived derived;
	int number = 5;
	number += look(square, derived, geo::Derived(), geo::Color::Blue, number);
	number += square.scaled(2);
	return number == 0;
}
