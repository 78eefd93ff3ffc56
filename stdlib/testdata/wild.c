// A program that calls what is no function.
static void (*volatile function)(void) = (void (*)(void))0x123456789000;

int main(void) {
	volatile int n = 7;
	function();
	return n;
}
