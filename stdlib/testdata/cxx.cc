// Containers of libstdc++ that std/cxx.star shows.
#include <any>
#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
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

std::weak_ptr<int> weak = shared, nobody;
std::wstring wide = L"wide", nowide;
std::vector<bool> bits = {true, false, true}, manybits(300, true);
std::deque<int> line = {1, 2, 3}, longline(1000, 7), noline;
std::stack<int> stack(line);
std::queue<int> queue(line);
std::priority_queue<int> heap(std::less<int>(), numbers);
std::array<int, 3> fixed = {4, 5, 6};
std::array<int, 0> nothing;
std::forward_list<int> forward = {8, 9};
std::unordered_map<int, std::string> hashed = {{1, "a"}};
std::unordered_multimap<std::string, int> hashes = {{"k", 1}, {"k", 1}};
std::unordered_set<int> bag = {7};
std::unordered_multiset<std::string> bags = {"b", "b"};
std::unordered_set<int (*)(int)> functions;
std::pair<int, std::string> pair = {1, "one"};
struct deleter { void operator()(int *) {} };
std::unique_ptr<int, deleter> deleted(&numbers[0]);
std::tuple<> unit;
std::tuple<int, std::string, deleter> tuple = {1, "two", {}};
std::variant<int, std::string> number = 3, word = "text";
std::variant<std::monostate, double> real = 2.5;
std::map<std::string, std::vector<std::optional<int>>> nested = {{"k", {1, {}}}};

std::bitset<12> few("101100000001");
std::bitset<300> lots;
std::atomic<int> counter = 3;
std::atomic<int *> place = &numbers[0];
std::atomic<bool> flag = true;
struct point { int x, y; };
std::atomic<point> spot = point{1, 2};
std::any whatever = 5, nobodys, worded = std::string("text"), far = std::array<long, 4>{1, 2, 3, 4};
std::function<int(int)> uncalled, lambda = [n = 3](int x) { return x + n; };
std::chrono::milliseconds wait(1500);
std::chrono::duration<double> seconds(2.5);
std::chrono::duration<int, std::ratio<7, 2>> odd(4);
std::chrono::system_clock::time_point then{std::chrono::seconds(9)};

__attribute__((noinline)) int inside(int n) { return n + 1; }

std::function<int(int)> called = inside;

__attribute__((noinline)) void stop() { __asm__ volatile(""); }

__attribute__((noinline)) int take(std::string s, std::vector<int> v) { return (int)(s.size() + v.size()); }

int main()
{
	auto again = shared;
	functions.insert(inside);
	lots.set(299).set(1);
	stop();
	return take("argument", numbers) - 11;
}
