// Types of C++ for fuzzing.
enum class color : unsigned char { Red, Green };
struct Base { int a; static int count; };
int Base::count = 1;
struct Other { short s; };
struct Derived : Base, Other { int &ref; int Base::*member; Derived *next; color c; char16_t text[4]; };
struct shape : virtual Base { int n; };
Derived *items;
shape *grid;
extern "C" void _start() {}
