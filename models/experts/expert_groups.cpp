// A stable sort by expert keeps the order in which choices are served.
#include "models/experts/expert_groups.h"

#include <algorithm>
#include <cmath>

namespace zoo {

int64_t expert_capacity(double factor, int64_t N, int64_t K, int64_t E) {
  const double even = static_cast<double>(N) * static_cast<double>(K) / static_cast<double>(E);
  const double room = std::min(factor * even, static_cast<double>(N));  // no expert gets more
  return static_cast<int64_t>(std::ceil(room - 1e-9 * room));           // 1.1 * 10 is 11, not 12
}

ExpertGroups group_by_expert(const torch::Tensor& chosen, int64_t E,
                             std::optional<int64_t> capacity) {
  const int64_t N = chosen.size(0);
  const auto queue = chosen.t().reshape({-1});  // [K N]: all first choices, all second ones, ...
  const auto [experts, order] = queue.sort(/*stable=*/true, /*dim=*/0, /*descending=*/false);
  ExpertGroups groups;
  groups.wanted = queue.bincount({}, E);  // [E]
  groups.choices = order;                 // [K N]
  auto taken = groups.wanted;             // [E]
  if (capacity) {
    const auto start = taken.cumsum(0) - taken;  // [E]: where an expert's choices begin
    const auto place = torch::arange(queue.size(0), queue.options()) -
                       start.index_select(0, experts);  // [K N]: place in the expert's queue
    groups.choices = order.masked_select(place.lt(*capacity));  // [M]
    taken = taken.clamp_max(*capacity);                         // [E]
  }
  groups.tokens = N > 0 ? groups.choices.remainder(N) : groups.choices;  // [M]
  const auto sizes = taken.cpu();
  groups.sizes.assign(sizes.const_data_ptr<int64_t>(), sizes.const_data_ptr<int64_t>() + E);
  return groups;
}

ExpertGroups group_shard(const torch::Tensor& chosen_in_batch, int64_t first, int64_t N, int64_t E,
                         std::optional<int64_t> capacity) {
  const int64_t all = chosen_in_batch.size(0);
  const auto whole = group_by_expert(chosen_in_batch, E, capacity);
  const auto sizes = torch::tensor(whole.sizes, whole.tokens.options());           // [E]
  const auto expert = torch::arange(E, sizes.options()).repeat_interleave(sizes);  // [M']
  const auto place = torch::arange(whole.tokens.size(0), sizes.options()) -
                     (sizes.cumsum(0) - sizes).index_select(0, expert);                      // [M']
  const auto mine = whole.tokens.ge(first) & whole.tokens.lt(first + N);                     // [M']
  const auto k = whole.choices.masked_select(mine).floor_divide(std::max<int64_t>(1, all));  // [M]
  ExpertGroups groups;
  groups.tokens = whole.tokens.masked_select(mine) - first;                       // [M]
  groups.choices = k * N + groups.tokens;                                         // [M]
  groups.places = place.masked_select(mine);                                      // [M]
  groups.wanted = chosen_in_batch.narrow(0, first, N).flatten().bincount({}, E);  // [E]
  groups.sizes_in_batch = whole.sizes;
  groups.first_token = first;
  groups.tokens_in_batch = all;
  const auto counts = expert.masked_select(mine).bincount({}, E).cpu();
  groups.sizes.assign(counts.const_data_ptr<int64_t>(), counts.const_data_ptr<int64_t>() + E);
  return groups;
}

}  // namespace zoo
