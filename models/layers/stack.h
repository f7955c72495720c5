// A stack of blocks, from the embeddings to the final norm: the part that every family has between
// its input and its head.
#pragma once
#include <torch/nn/modules/container/modulelist.h>

#include <string>
#include <vector>

#include "models/layers/block.h"

namespace zoo {

/// The inputs of one pass through a stack; all are optional.
struct StackContext {
  int64_t layers = 0;  ///< 0: one per block; more: consecutive layers share a block (ALBERT)
  SelfAttentionContext layer = {};  ///< for every block; its cache is taken from `cache`
  KvCache* cache = nullptr;         ///< of all blocks
  torch::Tensor counts = {};        ///< [B] int64: how many of the T tokens are real; needs a cache
  SegmentMemory* memory = nullptr;  ///< of all blocks, without a cache; these tokens join it
  /// One per block, for blocks with cross-attention.
  const std::vector<CrossKeyValues>* cross_keys_values = nullptr;
  AttendArgs cross_args = {};
  Trace* trace = nullptr;
  std::string trace_prefix = {};   ///< "encoder_": before "hidden_states.N" and "attentions.N"
  bool trace_before_norm = false;  ///< trace the last hidden state before the final norm
};

/// h [B, T, C] -> [B, T, C]: all blocks, then `final_norm` unless it is empty. hidden_states.0 is h
/// itself; the last one is the result, unless trace_before_norm. Of reversible layers, hidden
/// states are the means of both streams.
torch::Tensor run_stack(torch::nn::ModuleList& blocks, Norm& final_norm, torch::Tensor h,
                        StackContext context);

/// Position ids of T new tokens, [1 or B, T] int64 on the CPU: 0 .. T - 1, or continuing after the
/// tokens in the cache. `counts` ([B], or undefined) says how many are real in each row; ids of the
/// padding after them are kept below `max_positions` (0: no limit). Throws c10::Error, naming
/// `who`, if a real token would exceed it.
torch::Tensor next_positions(int64_t T, const KvCache* cache, const torch::Tensor& counts,
                             int64_t max_positions, std::string_view who);

/// Throws std::runtime_error, in one line, where a layer has a mixer in the place of softmax
/// attention: it has no heads' weights to look at.
void require_softmax_attention(const torch::nn::ModuleList& blocks);

/// An empty cache for all `blocks`: `batch` sequences of up to `capacity` tokens. `rolling`: layers
/// with a window keep only the tokens that it needs.
KvCache make_cache(const torch::nn::ModuleList& blocks, int64_t batch, int64_t capacity,
                   bool rolling = false);

}  // namespace zoo
