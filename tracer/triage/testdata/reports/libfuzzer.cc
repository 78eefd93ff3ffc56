// clang++ -g -O1 -fsanitize=fuzzer,address -ffile-prefix-map=$PWD=/src -o fuzz parse.cc && ./fuzz -seed=1 -max_len=8
#include <cstddef>
#include <cstdint>
#include <vector>

namespace parse {
namespace {

__attribute__((noinline)) std::vector<long> *make(size_t n) { return new std::vector<long>(n); }

__attribute__((noinline)) long next(const std::vector<long> &v, int i) { return v[i]; }

}  // namespace
}  // namespace parse

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3 || data[0] != 'F' || data[1] != 'U')
		return 0;
	std::vector<long> *v = parse::make(1);
	long n = parse::next(*v, data[2] == 'Z');
	delete v;
	return n == 77 ? -1 : 0;
}
