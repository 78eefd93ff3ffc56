// Spins for ever in instructions that are emulated.
long turns, again;

__attribute__((noinline)) void spun(void) { asm volatile("nop"); }

__attribute__((noinline)) void spin(void) {
	for (;;) {
		*(volatile long *)&turns += 1;
		asm volatile("incq %0" : "+m"(again));
		spun();
	}
}

int main(void) {
	spin();
	return 0;
}
