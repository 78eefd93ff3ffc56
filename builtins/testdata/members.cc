// A function with pointers to members.
struct item {
	int before = 1, n = 5;
	int times(int by) { return n * by; }
	virtual int half() const { return n / 2; }
};

__attribute__((noinline)) int look(item *object, int item::*member, int (item::*method)(int), int (item::*virt)() const, int count)
{
	return object->*member + (object->*method)(count) + (object->*virt)();
}

int main()
{
	item one;
	return look(&one, &item::n, &item::times, &item::half, 3) == 0;
}
