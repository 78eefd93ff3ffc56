// Exceptions, which libstdc++ has probes for.
int main()
{
	try {
		throw 7;
	} catch (int n) {
		return n;
	}
}
