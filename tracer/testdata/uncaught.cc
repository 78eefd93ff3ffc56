// A program of C++ that ends by an exception or a virtual function: the argument names
// the one that it dies of.

#include <stdexcept>
#include <string>
#include <vector>
#include <cstdio>
#include <cstring>
#include <exception>

struct parse_error : std::runtime_error { using std::runtime_error::runtime_error; int line = 7; };
struct worded : std::exception { const char *what() const noexcept override { return "its own words"; } };
struct plain { int code; };
struct Base { virtual ~Base() { run(); } void run(); virtual void method() = 0; };
struct Derived : Base { void method() override {} };

__attribute__((noinline)) void Base::run() { method(); }

volatile int sum;

__attribute__((noinline)) void fail(const char *name, volatile int n)
{
	if (!strcmp(name, "runtime_error"))
		throw std::runtime_error("no such key: colour");
	if (!strcmp(name, "derived"))
		throw parse_error("line " + std::to_string(n));
	if (!strcmp(name, "at"))
		std::vector<int>(3).at(n);
	if (!strcmp(name, "int"))
		throw 42 - n;
	if (!strcmp(name, "chars"))
		throw "plain words";
	if (!strcmp(name, "string"))
		throw std::string("words in a string that is longer than the small ones");
	if (!strcmp(name, "plain"))
		throw plain{n};
	if (!strcmp(name, "worded"))
		throw worded();
	if (!strcmp(name, "index"))
		sum = std::vector<int>(3)[n];
}

__attribute__((noinline)) void strict(const char *name) noexcept { fail(name, 9); }

int main(int, char **argv)
{
	const char *name = argv[1];
	if (!strcmp(name, "pure")) {
		Base *volatile b = new Derived;
		delete b;
	} else if (!strcmp(name, "noexcept"))
		strict("runtime_error");
	else if (!strcmp(name, "terminate"))
		std::terminate();
	else if (!strcmp(name, "later"))
		try {
			fail("runtime_error", 9);
		} catch (...) {
			std::rethrow_exception(std::current_exception());
		}
	else if (!strcmp(name, "rethrow"))
		try {
			fail("runtime_error", 9);
		} catch (const std::exception &) {
			throw;
		}
	fail(name, 9);
	return 1;
}
