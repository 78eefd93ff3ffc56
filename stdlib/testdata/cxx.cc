// Containers of libstdc++ that std/cxx.star shows.
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

std::string text = "short", longer(300, 'x'), none;
std::string_view view = "viewed";
std::vector<int> numbers = {1, 2, 3};
std::vector<std::string> names = {"one", "two"};
std::vector<int> many(1000, 7);
std::vector<int> empty;
std::list<int> chain = {4, 5};
std::set<int> ordered = {3, 1, 2};
std::map<int, std::string> table = {{2, "b"}, {1, "a"}};
std::unique_ptr<int> owned = std::make_unique<int>(3);
std::shared_ptr<int> shared = std::make_shared<int>(4);
std::optional<int> maybe = 5, missing;

__attribute__((noinline)) void stop() { __asm__ volatile(""); }

__attribute__((noinline)) int take(std::string s, std::vector<int> v) { return (int)(s.size() + v.size()); }

int main()
{
	auto again = shared;
	stop();
	return take("argument", numbers) - 11;
}
