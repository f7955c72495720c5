#include "train/objectives/retrieval.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>

namespace zoo {
namespace {

void check_matches(const torch::Tensor& matches) {
  TORCH_CHECK(matches.dim() == 2 && matches.scalar_type() == torch::kBool,
              "retrieval: matches must be bool [N, M], got ", matches.sizes());
  TORCH_CHECK(matches.any(1).all().item<bool>(), "retrieval: every query needs a match");
}

}  // namespace

double recall_at(int64_t k, const torch::Tensor& scores, const torch::Tensor& matches) {
  TORCH_CHECK(scores.sizes() == matches.sizes(), "retrieval: scores ", scores.sizes(),
              " and matches ", matches.sizes(), " must have one shape");
  check_matches(matches);
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  const auto wide = scores.to(torch::kDouble);
  const auto best_match = wide.masked_fill(~matches, kNone).amax(1, /*keepdim=*/true);  // [N, 1]
  const auto before = (wide.ge(best_match) & ~matches).sum(1);                          // [N]
  return before.lt(k).to(torch::kDouble).mean().item<double>();
}

double chance_recall_at(int64_t k, const torch::Tensor& matches) {
  check_matches(matches);
  const int64_t M = matches.size(1);
  const auto counts = matches.sum(1).to(torch::kLong).contiguous();  // [N]
  double sum = 0.0;
  for (int64_t n = 0; n < counts.size(0); ++n) {
    const int64_t others = M - counts[n].item<int64_t>();
    double all_miss = 1.0;  // of k drawn one after the other
    for (int64_t i = 0; i < std::min(k, M); ++i)
      all_miss *=
          static_cast<double>(std::max<int64_t>(0, others - i)) / static_cast<double>(M - i);
    sum += 1.0 - all_miss;
  }
  return sum / static_cast<double>(counts.size(0));
}

}  // namespace zoo
