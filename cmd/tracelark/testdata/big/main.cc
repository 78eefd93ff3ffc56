// The main unit of a large program: it goes down a stack of one frame in each unit.

#include "unit.h"

namespace big {

Unit units[maxUnits];
int count;

// bottom is called at the end of each stack.
__attribute__((noinline)) int bottom(int depth) {
	__asm__ volatile("");
	return depth;
}

int descend(int unit, int depth) {
	return depth == 0 ? bottom(unit) : units[unit % count].descend(unit + 1, depth - 1);
}

} // namespace big

int main(int argc, char **argv) {
	int sum = 0;
	for (int i = 0; i < 1000; i++)
		sum += big::descend(0, 47);
	for (int i = 0; i < big::count; i++)
		sum += big::units[i].run(argc);
	return sum & 1;
}
