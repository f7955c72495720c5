// The attention of every head of every layer for one text: numbers, images and a page.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "app/figures/png.h"
#include "models/gpt/gpt.h"

namespace zoo {

/// The attention weights of every layer, [H, T, T] float on the CPU: row t is the distribution of
/// token t's attention. Throws c10::Error if the model's kernel does not form weights ("matmul"
/// does).
std::vector<torch::Tensor> attention_weights(Gpt& model, const std::vector<int64_t>& tokens);

/// Statistics of a head: means over the queries with more than one key (all but the first).
struct HeadSummary {
  double entropy = 0;       ///< bits: 0 looks at one token, most_entropy at all alike
  double most_entropy = 0;  ///< mean of log2(number of visible tokens)
  double to_self = 0, to_previous = 0, to_first = 0;  ///< share of attention
};
/// weights [T, T]
HeadSummary summarise_head(const torch::Tensor& weights);

/// Rows are queries, columns are keys. The colour follows the square root of the weight, so that
/// small weights are visible. Future keys, which are masked, are grey. weights [T, T]
Image draw_head(const torch::Tensor& weights, int cell);

/// A self-contained page with every head, axes labelled with the tokens.
std::string attention_page(std::string_view title, const std::vector<std::string>& labels,
                           const std::vector<torch::Tensor>& layers);

/// Throws std::runtime_error if the folder exists and holds anything but an earlier map, which
/// write_attention_map() would replace.
void require_map_folder(const std::filesystem::path& folder);

/// Writes attention.html, layer-L.png (all heads of a layer) and heads/layer-L-head-H.png, and
/// returns their paths, the page first. Writes the folder atomically and replaces an earlier map.
std::vector<std::filesystem::path> write_attention_map(const std::filesystem::path& folder,
                                                       const std::string& page,
                                                       const std::vector<torch::Tensor>& layers);

}  // namespace zoo
