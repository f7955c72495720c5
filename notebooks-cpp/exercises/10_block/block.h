#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

/// Attention, feed-forward, a norm, a whole block: [B, T, C] -> [B, T, C].
using SubLayer = std::function<torch::Tensor(const torch::Tensor&)>;

enum class NormPlace { kPre, kPost };

torch::Tensor residual(const torch::Tensor& x, const SubLayer& norm, const SubLayer& sub_layer,
                       NormPlace norm_place);
torch::Tensor block(const torch::Tensor& x, const SubLayer& attention_norm,
                    const SubLayer& attention, const SubLayer& feed_forward_norm,
                    const SubLayer& feed_forward, NormPlace norm_place);
torch::Tensor stack(const torch::Tensor& x, const std::vector<SubLayer>& blocks,
                    const SubLayer& final_norm, NormPlace norm_place);
