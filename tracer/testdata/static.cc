// Static members, and other variables, that another file defines: itself, built with
// -DOTHER.
struct Counted {
	int own = 5;
	static int total;
	static const long limit;
	static Counted *last;
	static constexpr int most = 9;
};

struct Keyed { // GCC describes it where its destructor is
	int key = 4;
	static int keys;
	virtual ~Keyed();
};

extern int shared, *alias;

#ifdef OTHER
int Counted::total = 3;
const long Counted::limit = 1L << 40;
Counted *Counted::last;
int Keyed::keys = 6;
Keyed::~Keyed() {}
int shared = 1;
extern int other __attribute__((alias("shared")));
int *alias = &other;
#else
Counted counted;
Keyed keyed;

int main()
{
	Counted::last = &counted;
	Counted::total++;
	shared += Keyed::keys++ + (Counted::limit > 1);
	__builtin_trap();
}
#endif
