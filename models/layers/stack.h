// A stack of blocks, run from the embeddings to the last norm: what every family does between its
// input and its head.
#pragma once
#include <torch/nn/modules/container/modulelist.h>

#include <string>
#include <vector>

#include "models/layers/block.h"

namespace zoo {

/// What one pass through a stack needs; all optional.
struct StackContext {
  int64_t layers = 0;  ///< 0: one a block; more: consecutive layers are one block (ALBERT)
  SelfAttentionContext layer = {};  ///< for every block; its cache comes from `cache`
  KvCache* cache = nullptr;         ///< of all blocks
  torch::Tensor counts = {};        ///< [B] int64: how many of the T tokens are real, with a cache
  /// One a block, for blocks with cross-attention.
  const std::vector<CrossKeyValues>* cross_keys_values = nullptr;
  AttendArgs cross_args = {};
  Trace* trace = nullptr;
  std::string trace_prefix = {};   ///< "encoder_": before "hidden_states.N" and "attentions.N"
  bool trace_before_norm = false;  ///< the last hidden state is traced before the last norm
};

/// h [B, T, C] -> [B, T, C]: block after block, then `final_norm` where it is not empty.
/// hidden_states.0 is h itself, the last one is what is returned, unless trace_before_norm.
torch::Tensor run_stack(torch::nn::ModuleList& blocks, Norm& final_norm, torch::Tensor h,
                        StackContext context);

/// Position ids of T new tokens, [1 or B, T] int64 on the CPU: 0 .. T - 1, or on from what the
/// cache holds. `counts` ([B], or undefined): how many of them are real in each row; what lies past
/// them is kept below `max_positions` (0: no limit). Throws c10::Error, naming `who`, where a real
/// token would lie past it.
torch::Tensor next_positions(int64_t T, const KvCache* cache, const torch::Tensor& counts,
                             int64_t max_positions, std::string_view who);

/// An empty cache of all `blocks` for `batch` sequences of up to `capacity` tokens.
KvCache make_cache(const torch::nn::ModuleList& blocks, int64_t batch, int64_t capacity);

}  // namespace zoo
