// Attention as PNG files: a head, all heads of a layer, all heads of all layers with their axes,
// and what patches contributed to an answer.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "app/figures/heat_map.h"
#include "infer/analysis/attention_maps.h"

namespace zoo {

/// Rows are queries, columns are keys. The colour follows the square root of the weight, so that
/// small weights are visible. Keys that are masked are grey. weights, may_attend [T, S]
Image draw_head(const torch::Tensor& weights, const torch::Tensor& may_attend, int cell);

/// Every head of every layer: a row of panels a layer, with the names of the axes, and the tokens
/// where there is room for them.
Image draw_all_heads(const AttentionMaps& maps);

/// For a map of patches: the shares of the patches in what the head of the model reads, over all
/// layers (rollout), [rows, columns]. By the class token, else by the mean of the patches.
torch::Tensor rollout_shares(const AttentionMap& map);

/// The map of patches; null if there is none.
const AttentionMap* patches_of(const AttentionMaps& maps);

/// Throws std::runtime_error if the folder exists and holds anything but an earlier map, which
/// write_attention_map() would replace.
void require_map_folder(const std::filesystem::path& folder);

/// Writes attention.html, multi_head_attention_map.png, layer-L.png (all heads of a layer),
/// heads/layer-L-head-H.png and, of a picture, rollout.png and picture-layer-L.png (what each head
/// looks at from the class token, or on average). If there are several maps, names of
/// layers begin with theirs ("cross-layer-0.png"). Returns the paths, the page first. Writes the
/// folder atomically and replaces an earlier map.
std::vector<std::filesystem::path> write_attention_map(const std::filesystem::path& folder,
                                                       const std::string& page,
                                                       const AttentionMaps& maps);

}  // namespace zoo
