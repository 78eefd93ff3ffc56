// Guess overwrites its return address and returns to nowhere.

#include <stdint.h>

__attribute__((noinline)) void smash(void)
{
	volatile uint64_t *frame = __builtin_frame_address(0);
	frame[0] = 0x4242424242424242;
	frame[1] = 0x4141414141;
}

__attribute__((noinline)) int caller(int n)
{
	if (n)
		smash();
	return n + 1;
}

int main(int argc, char **argv)
{
	return caller(argc);
}
