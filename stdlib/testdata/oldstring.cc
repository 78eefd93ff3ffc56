// The strings of the ABI before C++11.
#define _GLIBCXX_USE_CXX11_ABI 0
#include <string>
#include <vector>

std::string text = "short", longer(300, 'x'), none, same = text;
std::wstring wide = L"wide";
std::vector<std::string> names = {"one", "two"};

__attribute__((noinline)) void stop() { __asm__ volatile(""); }

int main()
{
	stop();
	return (int)(text.size() + longer.size() + none.size() + same.size() + wide.size() + names.size()) == 0;
}
