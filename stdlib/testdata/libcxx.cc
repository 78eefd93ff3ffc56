// Containers of libc++ that std/cxx.star shows.
#include <any>
#include <array>
#include <atomic>
#include <bitset>
#include <deque>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <stack>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

std::string text = "short", longer(300, 'x'), none;
std::wstring wide = L"wide", nowide;
std::string_view view = "viewed";
std::vector<int> numbers = {1, 2, 3}, many(1000, 7), whole(200, 7), empty;
std::vector<std::string> names = {"one", "two"};
std::vector<bool> bits = {true, false, true};
std::list<int> chain = {4, 5};
std::forward_list<int> forward = {8, 9};
std::deque<int> line = {1, 2, 3}, longline(3000, 7), noline;
std::stack<int> stack(line);
std::set<int> ordered = {3, 1, 2};
std::map<int, std::string> table = {{2, "b"}, {1, "a"}, {3, "c"}};
std::multimap<std::string, int> several = {{"k", 1}, {"k", 2}};
std::unordered_map<int, std::string> hashed = {{1, "a"}};
std::unordered_set<int> bag = {7};
std::unique_ptr<int> owned = std::make_unique<int>(3);
std::shared_ptr<int> shared = std::make_shared<int>(4), nobody;
std::weak_ptr<int> weak = shared;
std::optional<int> maybe = 5, missing;
std::array<int, 3> fixed = {4, 5, 6};
std::pair<int, std::string> pair = {1, "one"};
std::tuple<int, std::string> tuple = {1, "two"};
std::variant<int, std::string> number = 3, word = "text";
std::bitset<12> few("101100000001");
std::bitset<70> more("11");
std::atomic<int> counter = {3};
std::any whatever = 5, nothing, worded = std::string("text");
std::function<int(int)> uncalled;
std::map<std::string, std::vector<std::optional<int>>> nested = {{"k", {1, {}}}};

__attribute__((noinline)) int inside(int n) { return n + 1; }
std::function<int(int)> called = inside;

__attribute__((noinline)) void stop() { __asm__ volatile(""); }

int main()
{
	auto again = shared;
	stop();
	return text.size() == numbers.size();
}
