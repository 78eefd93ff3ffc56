// Crash writes through a pointer to 0x10, three calls deep.

void store(int *p, int v)
{
	*p = v;
}

void middle(int *p)
{
	store(p, 1);
}

int main(void)
{
	middle((int *)0x10);
	return 0;
}
