// Scores of all pairs, and which of them are right.
#include "train/objectives/contrastive.h"

#include <c10/util/Exception.h>

namespace zoo {
namespace {

/// [B, B] of ones where the answer is right.
torch::Tensor answers(const torch::Tensor& logits, const torch::Tensor& positives) {
  TORCH_CHECK(logits.dim() == 2 && logits.size(0) == logits.size(1),
              "contrastive loss: logits must be [B, B], got ", logits.sizes());
  if (!positives.defined())
    return torch::eye(logits.size(0), logits.options().requires_grad(false));
  TORCH_CHECK(positives.sizes() == logits.sizes(), "contrastive loss: positives must be ",
              logits.sizes(), ", got ", positives.sizes());
  return positives.to(logits.device(), logits.scalar_type());
}

/// Mean over the rows of the cross-entropy with even targets.
torch::Tensor rows_loss(const torch::Tensor& logits, const torch::Tensor& right) {
  const auto targets = right / right.sum(1, /*keepdim=*/true);  // [B, B]
  return -(targets * torch::log_softmax(logits, 1)).sum(1).mean();
}

}  // namespace

torch::Tensor equal_captions(const torch::Tensor& captions) {
  TORCH_CHECK(captions.dim() == 2, "equal_captions: captions must be [B, T], got ",
              captions.sizes());
  return captions.unsqueeze(1).eq(captions.unsqueeze(0)).all(-1);  // [B, B]
}

torch::Tensor info_nce_loss(const torch::Tensor& logits, const torch::Tensor& positives) {
  const auto right = answers(logits, positives);
  return (rows_loss(logits, right) + rows_loss(logits.t(), right.t())) / 2;
}

torch::Tensor siglip_loss(const torch::Tensor& logits, const torch::Tensor& positives) {
  const auto signs = 2 * answers(logits, positives) - 1;  // 1 or -1
  return -torch::log_sigmoid(signs * logits).sum(1).mean();
}

}  // namespace zoo
