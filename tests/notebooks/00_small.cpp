// %% [markdown]
// # A lesson for tests
//
// Small, and with what lessons use: a formula $x^2$, functions, types, pictures, claims.

// %%
#include "notebooks-cpp/nb/nb.h"

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#define TWICE(x) \
  ((x) * 2)
torch::manual_seed(0);
auto x = torch::arange(6).reshape({2, 3});  // [2, 3]
x

// %% [markdown]
// A function after a statement, a template, a structured binding, a lambda.

// %%
const int64_t before = TWICE(21);
struct Pair {
  int64_t first_part = 0, second_part = 0;
};
template <typename T>
T largest(const std::vector<T>& values) {
  T best = values.front();
  for (const T& value : values)
    if (best < value) best = value;
  return best;
}
Pair halves(int64_t n) { return {n / 2, n - n / 2}; }
auto [a, b] = halves(before + 1);
auto sum_with = [&](int64_t n) { return before + n; };
std::map<std::string, std::vector<int>> lists{{"a } b", {1, 2}}, {R"(raw " ; {)", {3}}};
for (const auto& [name, values] : lists) nb::print(name + " " + std::to_string(largest(values)) + "\n");
std::vector<int64_t>{a, b, sum_with(1)}

// %%
nb::claim("halves add up", static_cast<double>(a + b), nb::near(43, 0));
nb::show(x.to(torch::kFloat), {.title = "Counting", .rows = "row", .columns = "column"});
{
  torch::NoGradGuard no_grad;
  nb::claim("a block keeps its guard", !torch::GradMode::is_enabled());
}
nb::claim("and gives it back", torch::GradMode::is_enabled());

// %%
auto x = std::string("a name used anew");
if (x.size() > 3) {
  nb::print("long\n");
} else {
  nb::print("short\n");
}
x.size()
