// What C++ has that C has not: namespaces, classes, templates, lambdas.
#include <cstdint>
#include <string>
#include <vector>
#include <map>
#include <memory>

namespace geo {

enum class Color : uint8_t { Red = 1, Green, Blue = 200 };

struct Shape {
	static int count;
	Color color = Color::Red;
	virtual ~Shape() {}
	virtual double area() const = 0;
};
int Shape::count = 7;

struct Named : virtual Shape {
	std::string name;
};

struct Tagged : virtual Shape {
	unsigned tag : 5;
	unsigned : 3;
	signed level : 4;
	bool on : 1;
};

struct Square final : Named, Tagged {
	double side;
	explicit Square(double s) : side(s) { name = "square"; tag = 21; level = -3; on = true; }
	double area() const override { return side * side; }
};

template <typename T, int N> struct Ring {
	T items[N];
	int head = 0;
	void push(const T &v)
	{
		items[head] = v;
		head = (head + 1) % N;
	}
	T sum() const
	{
		T total = T();
		for (const T &v : items)
			total += v;
		return total;
	}
};

namespace {
int hidden(int n)
{
	return n + Shape::count;
}
}

union Word {
	uint32_t whole;
	struct { uint16_t low, high; };
	uint8_t bytes[4];
};

} // namespace geo

static int apply(int (*f)(int), int n) { return f(n); }

int operator+(const geo::Word &w, int n) { return w.whole + n; }

int geo_main(int argc)
{
	geo::Square square(argc);
	geo::Ring<int, 4> ring = {};
	geo::Ring<double, 2> reals = {};
	std::vector<std::string> words = { "a", "b" };
	std::map<int, std::string> table;
	auto shared = std::make_shared<int>(argc);
	int geo::Word::*none = nullptr;
	geo::Word word = { 0x01020304 };
	int matrix[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
	geo::Shape &ref = square;
	int &&moved = static_cast<int &&>(argc);

	ring.push(argc);
	reals.push(0.5);
	table[3] = words[0];
	auto add = [&](int n) { return n + ring.sum() + (int)reals.sum(); };
	int total = add(argc) + geo::hidden(argc) + (word + 1);
	(void)none;
	(void)moved;
	return total + apply([](int n) { return n * 2; }, matrix[1][2]) + (int)ref.area() + *shared;
}

int main(int argc, char **)
{
	return geo_main(argc) & 1;
}
