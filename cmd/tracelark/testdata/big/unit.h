// What the units of a large program know of each other.

namespace big {

struct Unit {
	int (*run)(int n);
	int (*descend)(int unit, int depth);
};

const int maxUnits = 1000;
extern Unit units[maxUnits];
extern int count;

// descend calls a function in each of so many units from one on, and then bottom.
int descend(int unit, int depth);

} // namespace big
