// One vector of many: how a sentence's tokens become its embedding. Reimers & Gurevych 2019
// (arXiv:1908.10084), §3: the first token, the mean, the maximum; by weights that grow with the
// position, Muennighoff 2022 (arXiv:2202.08904), §3.1.1.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>

#include "base/named_enum.h"

namespace zoo {

/// The names are those of sentence-transformers' `pooling_mode`.
enum class TokenPooling { kFirst, kMax, kMean, kMeanSqrtLength, kWeightedMean, kLast };
template <>
struct EnumNames<TokenPooling> {
  static constexpr std::string_view what = "pooling mode";
  static constexpr std::pair<TokenPooling, std::string_view> values[] = {
      {TokenPooling::kFirst, "cls"},
      {TokenPooling::kMax, "max"},
      {TokenPooling::kMean, "mean"},
      {TokenPooling::kMeanSqrtLength, "mean_sqrt_len_tokens"},
      {TokenPooling::kWeightedMean, "weightedmean"},
      {TokenPooling::kLast, "lasttoken"}};
};

/// hidden [B, T, C], is_real [B, T] bool, padding at the end -> [B, M * C], one vector a mode
/// beside the other. The first `skipped` tokens of each row (a prompt) take no part, but the
/// others keep their positions.
torch::Tensor pool_tokens(const torch::Tensor& hidden, const torch::Tensor& is_real,
                          std::span<const TokenPooling> modes, int64_t skipped = 0);

}  // namespace zoo
