// Spin calls turn forever.

volatile unsigned long turns;

void turn(void)
{
	turns++;
}

int main(void)
{
	for (;;)
		turn();
}
