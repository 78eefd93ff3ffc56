// clang -g -O1 -fno-omit-frame-pointer -fsanitize=address -ffile-prefix-map=$PWD=/src -o call call.c && ./call
void (*volatile hook)(void);
__attribute__((noinline)) static int run(int n)
{
	hook();
	return n;
}
int main(int argc, char **argv)
{
	return run(argc) + 1;
}
