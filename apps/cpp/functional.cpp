// Lambdas and std::function: captures by value and reference, composition, memoised recursion, callbacks of
// algorithms.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <numeric>
#include <vector>

#include "app.h"

namespace {

using Function = std::function<long(long)>;

Function compose(std::vector<Function> steps) {
  return [steps = std::move(steps)](long x) {
    return std::accumulate(steps.begin(), steps.end(), x, [](long value, const Function &step) { return step(value); });
  };
}

Function memoised(std::function<long(const Function &, long)> body) {
  struct State {
    std::map<long, long> known;
    Function self;
  };
  auto state = std::make_shared<State>();
  std::weak_ptr<State> weak = state;
  state->self = [weak, body = std::move(body)](long x) {
    auto strong = weak.lock();
    auto found = strong->known.find(x);
    if (found != strong->known.end()) return found->second;
    long value = body(strong->self, x);
    strong->known.emplace(x, value);
    return value;
  };
  return [state](long x) { return state->self(x); };
}

}  // namespace

int main(int argc, char **argv) {
  int count = work_size(argc, argv, 60);
  long calls = 0;
  Function partitions = memoised([&calls](const Function &self, long x) {
    calls++;
    if (x < 2) return 1L;
    return (self(x - 1) + self(x / 2) + self(x - 2)) % 1000000;
  });
  std::printf("memoised: %ld in %ld calls\n", partitions(count), calls);

  std::vector<Function> steps;
  for (long i = 0; i < 8; i++) {
    if (i % 2) steps.push_back([i](long x) { return x * 3 + i; });
    else steps.push_back([&count](long x) { return x ^ count; });
  }
  Function pipeline = compose(steps);
  std::vector<long> values(count);
  std::iota(values.begin(), values.end(), 1);
  std::transform(values.begin(), values.end(), values.begin(), [&](long x) { return pipeline(x) % 1009; });
  auto before = [](long a, long b) { return a % 10 != b % 10 ? a % 10 < b % 10 : a > b; };
  std::stable_sort(values.begin(), values.end(), before);
  auto odd = std::stable_partition(values.begin(), values.end(), [](long x) { return x % 2 != 0; });
  std::printf("%ld first, %ld odd, sum %ld\n", values.front(), static_cast<long>(odd - values.begin()),
              std::accumulate(values.begin(), values.end(), 0L));
  return 0;
}
