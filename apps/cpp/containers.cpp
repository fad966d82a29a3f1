// Containers: deque, list, map and set under inserts and erasures, iterators that live across them, std::variant.
#include <cstdio>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app.h"

namespace {

using Value = std::variant<int, double, std::string>;

struct Describe {
  std::string operator()(int value) const { return "i" + std::to_string(value); }
  std::string operator()(double value) const { return "d" + std::to_string(value).substr(0, 5); }
  std::string operator()(const std::string &value) const { return value; }
};

/** A cache that forgets what was used longest ago. */
class Cache {
 public:
  explicit Cache(size_t capacity) : capacity_(capacity) {}

  std::optional<Value> get(int key) {
    auto found = places_.find(key);
    if (found == places_.end()) return std::nullopt;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->second;
  }

  void put(int key, Value value) {
    if (order_.size() == capacity_) {
      places_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(key, std::move(value));
    places_[key] = order_.begin();
  }

  std::string contents() const {
    std::string text;
    for (const auto &[key, value] : order_) text += std::to_string(key) + "=" + std::visit(Describe{}, value) + " ";
    return text;
  }

 private:
  size_t capacity_;
  std::list<std::pair<int, Value>> order_;
  std::map<int, std::list<std::pair<int, Value>>::iterator> places_;
};

Value make_value(uint32_t number) {
  if (number % 3 == 0) return static_cast<int>(number % 1000);
  if (number % 3 == 1) return number % 1000 / 8.0;
  return std::string(number % 5 + 1, static_cast<char>('a' + number % 26));
}

}  // namespace

int main(int argc, char **argv) {
  int count = work_size(argc, argv, 150), hits = 0;
  Numbers numbers;
  Cache cache(8);
  std::deque<int> recent;
  for (int i = 0; i < count; i++) {
    int key = static_cast<int>(numbers() % 16);
    recent.push_back(key);
    if (recent.size() > 5) recent.pop_front();
    if (cache.get(key)) hits++;
    else cache.put(key, make_value(numbers()));
  }
  std::printf("%d hits of %d\n%s\n", hits, count, cache.contents().c_str());
  for (int key : recent) std::printf("%d ", key);
  std::printf("\n");
  return 0;
}
