// The variables that expressions are evaluated over, in C++.
namespace ns {
int depth = 3;
enum class mode : unsigned char { fast = 1, slow = 9 };
enum plain { zero, one };
struct point { int x, y; static int made; enum kind { low = 4, high }; };
int point::made = 8;
template <class T, int N> struct box { T items[N]; T first() { return items[0]; } };
}

struct shape { virtual ~shape() {} int sides = 4; };
struct named { const char *name = "square"; };
struct square : shape, named {
	int width = 6;
	int area(int scale);
};

struct nothing {};
struct hidden { [[no_unique_address]] nothing it; }; // at the address of counted::it
struct counted { int it = 3; };
struct both : hidden, counted {};

ns::mode mode = ns::mode::slow;
ns::point where = {1, 2};
ns::box<int, 3> boxed = {{7, 8, 9}};
square sq;
shape *base = &sq;
named *side = &sq;
int value = 5;
int &ref = value;
bool yes = true;
both two;
char16_t wide = u'x';
int depth = 100;

__attribute__((noinline)) int square::area(int scale)
{
	int depth = 1;
	__asm__ volatile("int3");
	return width * width * scale + depth + ns::depth;
}

int main() { return sq.area(2) + (base != nullptr) + boxed.first() + ns::zero; }
