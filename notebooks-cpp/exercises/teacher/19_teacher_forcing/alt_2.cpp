// Another way: one tensor of whole rows, cut at both ends; only the places with a target are looked at.
#include "notebooks-cpp/exercises/19_teacher_forcing/teacher_forcing.h"

std::tuple<torch::Tensor, torch::Tensor> collate_targets(
    const std::vector<std::vector<int64_t>>& texts, int64_t start, int64_t end, int64_t pad) {
  const auto B = static_cast<int64_t>(texts.size());
  int64_t longest = 0;
  for (const auto& text : texts) longest = std::max<int64_t>(longest, text.size());
  auto whole = torch::full({B, longest + 2}, kIgnored, torch::kLong);  // start, text, end
  auto cells = whole.accessor<int64_t, 2>();
  for (int64_t b = 0; b < B; ++b) {
    int64_t t = 0;
    cells[b][t++] = start;
    for (const auto token : texts[b]) cells[b][t++] = token;
    cells[b][t] = end;
  }
  const auto targets = whole.slice(1, 1);  // [B, T]
  const auto nothing_follows = targets == kIgnored;
  return {whole.slice(1, 0, -1).masked_fill(nothing_follows, pad), targets};
}

torch::Tensor next_token_loss(const torch::Tensor& logits, const torch::Tensor& targets) {
  const auto places = (targets.reshape({-1}) != kIgnored).nonzero().squeeze(1);     // [N]
  const auto asked = targets.reshape({-1}).index_select(0, places);                 // [N]
  const auto rows = logits.reshape({-1, logits.size(-1)}).index_select(0, places);  // [N, V]
  const auto shifted = rows - rows.amax(-1, true).detach();                         // [N, V]
  const auto right = shifted.gather(1, asked.unsqueeze(1)).squeeze(1);              // [N]
  const auto losses = shifted.exp().sum(-1).log() - right;                          // [N]
  return places.size(0) == 0 ? losses.sum() : losses.mean();
}
