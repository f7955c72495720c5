#include "train/objectives/permuted_lm.h"

#include <algorithm>
#include <limits>

#include "models/batching/padding.h"
#include "train/objectives/token_loss.h"

namespace zoo {

int64_t most_chosen(const MaskedBatch& batch) {
  return batch.labels.ne(kIgnored).sum(1).max().item<int64_t>();
}

PermutedInput permuted_input(const MaskedBatch& batch, const torch::Tensor& positions,
                             const torch::Tensor& order, int64_t K) {
  const auto chosen = batch.labels.ne(kIgnored);  // [B, T]
  const int64_t T = chosen.size(1);
  if (K == 0) K = most_chosen(batch);
  // Each row's chosen positions first; a row with fewer than K is filled up with others, unseen.
  const auto at = std::get<1>(chosen.to(torch::kLong).sort(/*stable=*/true, 1, /*descending=*/true))
                      .narrow(1, 0, K);  // [B, K]
  const auto beside = [&](const torch::Tensor& text, const torch::Tensor& words) {
    return torch::cat({text, words.gather(1, at)}, 1);  // [B, T + K]
  };
  const auto ids = positions.expand_as(batch.tokens);

  // Turns: the context is there at -1, the chosen word of rank k from k on, all others never.
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  const auto rank =
      order.argsort(/*dim=*/int64_t{1}, false).argsort(/*dim=*/int64_t{1}, false);  // [B, T]
  const auto real = token_mask(batch.lengths, T);
  const auto context = real.logical_and(chosen.logical_not());                       // [B, T]
  const auto in_text = torch::where(context, -1, torch::full_like(rank, kNever));    // [B, T]
  const auto in_words = torch::where(chosen, rank, torch::full_like(rank, kNever));  // [B, T]
  const auto there_from = beside(in_text, in_words);                                 // [B, T + K]
  const auto until = beside(torch::where(chosen, rank - 1, torch::full_like(rank, -1)),
                            rank.masked_fill(chosen.logical_not(), -1));  // [B, T + K]
  const auto itself = torch::eye(T + K, chosen.options());                // [S, S]
  const auto sees = there_from.unsqueeze(1).le(until.unsqueeze(2)).logical_or(itself);
  return {.tokens = beside(batch.tokens, batch.original),
          .segments = beside(batch.segments, batch.segments),
          .positions = beside(ids, ids),
          .may_attend = sees.unsqueeze(1)};  // [B, 1, S, S]
}

}  // namespace zoo
