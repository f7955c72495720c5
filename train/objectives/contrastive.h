// Contrastive objectives: what belongs together is to score above everything else in the batch.
// InfoNCE (van den Oord et al. 2018, arXiv:1807.03748, Eq. 4) both ways, as CLIP has it (Radford et
// al. 2021, arXiv:2103.00020, Figure 3), and SigLIP's sigmoid loss (Zhai et al. 2023,
// arXiv:2303.15343, Eq. 1). Both allow several right answers: two images of a batch may have one
// caption (Khosla et al. 2020, arXiv:2004.11362, Eq. 2).
#pragma once
#include <torch/types.h>

namespace zoo {

/// captions [B, T] int64 -> [B, B] bool: pairs (i, j) where text j describes image i as well,
/// because it equals text i.
torch::Tensor equal_captions(const torch::Tensor& captions);

/// logits [B, B], a row an image and a column a text -> []: the mean over images and over texts of
/// the cross-entropy. `positives` [B, B] bool (undefined: the diagonal): the right answers of a row
/// share its target evenly.
torch::Tensor info_nce_loss(const torch::Tensor& logits, const torch::Tensor& positives = {});

/// logits [B, B], bias included -> []: every pair is a yes or a no of its own; summed, per image.
torch::Tensor siglip_loss(const torch::Tensor& logits, const torch::Tensor& positives = {});

}  // namespace zoo
