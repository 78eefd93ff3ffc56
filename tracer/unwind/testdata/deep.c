// A recursion of 100000 calls.
volatile int sink;

__attribute__((noinline, noclone)) int recurse(int n) {
	if (n == 0) {
		__asm__ volatile("stop: nop");
		return 0;
	}
	return recurse(n - 1) + sink;
}

int main(void) {
	return recurse(100000);
}
