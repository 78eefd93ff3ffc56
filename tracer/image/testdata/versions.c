// A function in two versions.
__asm__(".symver versioned_1, versioned@V1");
__asm__(".symver versioned_2, versioned@@V2");

int versioned_1(void)
{
	return 1;
}

int versioned_2(void)
{
	return 2;
}
