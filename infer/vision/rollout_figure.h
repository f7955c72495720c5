// The shares of patches in an answer, drawn over the picture: as a PNG, and as part of a page.
#pragma once
#include <torch/types.h>

#include <string>
#include <string_view>

#include "app/figures/heat_map.h"

namespace zoo {

/// The picture in grey, enlarged to about `side` pixels, under the colours of heat_map(): from dark
/// for no share to bright for the largest. Lines separate the patches. shares [rows, columns]
Image tint_patches(const Image& picture, const torch::Tensor& shares, int side);

/// The image that the model saw, beside it the same under the shares [rows, columns] of its
/// patches, and a scale below.
Image draw_rollout(const Image& seen, const torch::Tensor& shares);

/// The same for a page with rollout_style(): a pointer over a patch shows its share.
std::string rollout_html(const Image& seen, const torch::Tensor& shares);

/// CSS of rollout_html().
std::string_view rollout_style();

}  // namespace zoo
