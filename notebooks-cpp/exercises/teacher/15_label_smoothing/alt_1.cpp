// Another way: the target's own loss and the mean over the vocabulary, mixed.
#include "notebooks-cpp/exercises/15_label_smoothing/label_smoothing.h"

torch::Tensor smoothed_targets(const torch::Tensor& targets, int64_t vocab_size,
                               double label_smoothing) {
  const auto flat = targets.reshape({-1});
  auto rows = torch::full({flat.size(0), vocab_size}, label_smoothing / vocab_size);
  for (int64_t n = 0; n < flat.size(0); ++n) {
    const auto target = flat[n].item<int64_t>();
    if (target == kIgnored) {
      rows[n].zero_();
    } else {
      rows[n][target] += 1 - label_smoothing;
    }
  }
  auto shape = targets.sizes().vec();
  shape.push_back(vocab_size);
  return rows.view(shape);
}

torch::Tensor cross_entropy_mean(const torch::Tensor& logits, const torch::Tensor& targets,
                                 double label_smoothing) {
  const auto total = logits.logsumexp(-1);
  const auto counted = targets.ne(kIgnored);
  const auto safe = targets.clamp_min(0).unsqueeze(-1);
  const auto own = total - logits.gather(-1, safe).squeeze(-1);
  const auto spread = total - logits.mean(-1);
  const auto loss = own * (1 - label_smoothing) + spread * label_smoothing;
  const auto count = std::max<int64_t>(counted.sum().item<int64_t>(), 1);
  return loss.masked_fill(~counted, 0).sum() / static_cast<double>(count);
}

torch::Tensor cross_entropy_gradient(const torch::Tensor& logits, const torch::Tensor& targets,
                                     double label_smoothing) {
  const auto counted = targets.ne(kIgnored);
  auto out = (logits - logits.logsumexp(-1, true)).exp();
  out = out - smoothed_targets(targets, logits.size(-1), label_smoothing);
  out = out.masked_fill(counted.logical_not().unsqueeze(-1), 0);
  return out / std::max(counted.sum().item<double>(), 1.0);
}
