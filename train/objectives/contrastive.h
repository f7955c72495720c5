// Contrastive objectives: matching pairs should score above all other pairs of the batch. InfoNCE
// (van den Oord et al. 2018, arXiv:1807.03748, Eq. 4) in both directions, as in CLIP (Radford et
// al. 2021, arXiv:2103.00020, Figure 3), and SigLIP's sigmoid loss (Zhai et al. 2023,
// arXiv:2303.15343, Eq. 1). Both allow several positives: two images of a batch may have the same
// caption (Khosla et al. 2020, arXiv:2004.11362, Eq. 2).
#pragma once
#include <torch/types.h>

namespace zoo {

/// captions [B, T] int64 -> [B, B] bool: pairs (i, j) where text j also describes image i, because
/// it equals text i.
torch::Tensor equal_captions(const torch::Tensor& captions);

/// logits [B, B], rows are images, columns are texts -> []: the mean over images and over texts of
/// the cross-entropy. `positives` [B, B] bool (undefined: the diagonal): the positives of a row
/// share its target evenly.
torch::Tensor info_nce_loss(const torch::Tensor& logits, const torch::Tensor& positives = {});

/// logits [B, B], bias included -> []: binary cross-entropy of each pair, summed, per image.
torch::Tensor siglip_loss(const torch::Tensor& logits, const torch::Tensor& positives = {});

}  // namespace zoo
