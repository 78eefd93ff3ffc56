// Classes with what those of C++ add to a layout: bases and virtual tables.
struct Base {
	virtual ~Base() {}
	int a;
	char b;
};
struct Plain {
	long p;
};
class Derived : public Base, public Plain {
public:
	Derived() : c(0), d(0), e(0) {}
	int sum() const { return c + (int)d + e; }
	static int shared;

private:
	char c;
	long d;
	int e;
};
int Derived::shared;

int main()
{
	Derived derived;
	return derived.sum();
}
