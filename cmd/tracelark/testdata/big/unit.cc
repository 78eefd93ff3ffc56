// One of the many units of a large program, compiled as UNIT 0, 1, 2 and so on: each
// instantiates the same templates for types of its own, as real programs do.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "unit.h"

namespace big {

template <int N> struct Key {
	int id;
	std::string name;
	bool operator<(const Key &other) const { return id < other.id; }
	bool operator==(const Key &other) const { return id == other.id; }
};

template <int N> struct Value {
	std::vector<Key<N>> keys;
	std::shared_ptr<Value> next;
	double weight[N % 7 + 1];
};

template <int N> class Store {
public:
	virtual ~Store() {}
	virtual int insert(int id) {
		Key<N> key{id, "key"};
		Value<N> &value = sorted[key];
		value.keys.push_back(key);
		value.next = std::make_shared<Value<N>>();
		hashed[id] = value;
		listeners.push_back([this, key](int n) { return count(n) + key.id; });
		return notify(id);
	}
	int notify(int id) {
		int sum = 0;
		for (auto &listener : listeners)
			sum += listener(id);
		return sum;
	}
	int count(int id) const {
		auto it = hashed.find(id);
		return it == hashed.end() ? 0 : (int)it->second.keys.size();
	}
	int descend(int unit, int depth) const {
		int sum = big::descend(unit, depth);
		return sum + (int)listeners.size();
	}
	void sort() {
		for (auto &entry : sorted)
			std::sort(entry.second.keys.begin(), entry.second.keys.end());
	}

private:
	std::map<Key<N>, Value<N>> sorted;
	std::unordered_map<int, Value<N>> hashed;
	std::vector<std::function<int(int)>> listeners;
};

} // namespace big

namespace {

template <int N> int use(int n) {
	big::Store<N> store;
	int sum = store.insert(n);
	store.sort();
	return sum;
}

int run(int n) {
	return use<UNIT * 4>(n) + use<UNIT * 4 + 1>(n) + use<UNIT * 4 + 2>(n) + use<UNIT * 4 + 3>(n);
}

int descend(int unit, int depth) {
	static big::Store<UNIT * 4> store;
	return store.descend(unit, depth) + 1;
}

int entered = (big::units[big::count++] = {run, descend}, 0);

} // namespace
