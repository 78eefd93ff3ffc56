// clang -g -O1 -fsanitize=thread -ffile-prefix-map=$PWD=/src -o null null.c && ./null
__attribute__((noinline)) static void wr(volatile char *p) { *p = 1; }
int main(void)
{
	wr((void *)8);
	return 0;
}
