// 4096 functions.
#define F(n) int function_##n(void) { return 0x##n; }
#define F1(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) \
	F(n##8) F(n##9) F(n##a) F(n##b) F(n##c) F(n##d) F(n##e) F(n##f)
#define F2(n) F1(n##0) F1(n##1) F1(n##2) F1(n##3) F1(n##4) F1(n##5) F1(n##6) F1(n##7) \
	F1(n##8) F1(n##9) F1(n##a) F1(n##b) F1(n##c) F1(n##d) F1(n##e) F1(n##f)
F2(0) F2(1) F2(2) F2(3) F2(4) F2(5) F2(6) F2(7)
F2(8) F2(9) F2(a) F2(b) F2(c) F2(d) F2(e) F2(f)

int main(void)
{
	return 0;
}
