// attend(): the function through which every model of the zoo computes attention.
// Vaswani et al. 2017 (arXiv:1706.03762), §3.2.1, Eq. 1: softmax(q k^T / sqrt(Dh)) v.
//
// B batch, H heads, Hkv key-value heads, T queries, S keys, Dh head width.
#pragma once
#include <torch/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// Collects inner tensors of a forward pass: attention weights and hidden states.
struct Trace {
  bool hidden_states = false;  ///< collect "hidden_states.N"
  /// Collect "attentions.N"; needs a kernel that forms the weights ("matmul").
  bool attentions = false;
  std::map<std::string, torch::Tensor> tensors;
};

/// Options of one call. Causal, window, lengths and layout are not turned into a dense mask, so
/// that kernels can skip whole blocks. A key must pass all restrictions. A query without visible
/// keys gets zeros.
struct AttendArgs {
  /// Query t sees keys up to its own position, which is query_start + t.
  bool causal = false;
  /// [B] int64: causal hides none of a row's first prefix_lengths[b] keys (prefix LM: Raffel et al.
  /// 2020, arXiv:1910.10683, section 3.2.1). Undefined: it hides all later ones.
  torch::Tensor prefix_lengths = {};
  /// Sliding window: of the keys up to its own position, a query sees the last `window`, its own
  /// included. Of those after it, where causal hides them not, it sees the first window - 1.
  std::optional<int64_t> window = {};
  /// The window hides no pair of which the key or the query is one of the first `global_tokens`
  /// positions (Longformer, arXiv:2004.05150; attention sinks, arXiv:2309.17453).
  int64_t global_tokens = 0;
  /// Bool [Tb, Sb] or [H, Tb, Sb]: a query at position p sees key s only where entry
  /// [p / block_size, s / block_size] is true (block_layout.h). Sb blocks hold all keys; positions
  /// outside of the Tb blocks count to the nearest.
  torch::Tensor block_layout = {};
  int64_t block_size = 0;
  /// [B] int64: position of each row's first query among the keys. Undefined: S - T, which aligns
  /// the last query to the last key. Rows that are decoded together differ here.
  torch::Tensor query_start = {};
  /// [B] int64: keys from this position on are padding. Undefined: there is no padding.
  torch::Tensor key_lengths = {};
  /// Bool, broadcasts to [B, H, T, S]; true: the query may see the key.
  torch::Tensor may_attend = {};
  /// Float, broadcasts to [B, H, T, S]: added to the scaled scores.
  torch::Tensor bias = {};
  /// Float [H, T + S - 1], added to the scores by distance (ALiBi, T5): entry s - p + S - 1 for key
  /// s and a query at position p = query_start + t, which without query_start is entry s - t + T
  /// - 1. Keys beyond the table's end take its last entry.
  torch::Tensor relative_bias = {};
  /// Float [H] or [B, H]: multiplies a head's output (DropHead, pruning, ablation).
  torch::Tensor head_gate = {};
  /// Multiplies the scores. Unset: 1 / sqrt(Dh).
  std::optional<double> scale = {};
  /// Not 0: before biases and masks, a scaled score s becomes score_cap tanh(s / score_cap)
  /// (Gemma 2: Riviere et al. 2024, arXiv:2408.00118, section 2).
  double score_cap = 0.0;
  /// Probability that a weight is dropped; the others are multiplied by 1 / (1 - dropout).
  double dropout = 0.0;
  /// Seed of the dropout mask (dropout_mask.h). Unset: attend() draws one from torch's default
  /// generator, in the same way for every kernel.
  std::optional<uint64_t> dropout_seed = {};
  /// Number of the first row of weights, of B H T, in the mask. attend() sets it where it draws a
  /// seed and the batch is a shard (models/layers/batch_shard.h).
  int64_t dropout_row = 0;
  /// Not null: the kernel writes its weights [B, H, T, S], before dropout, here.
  torch::Tensor* weights = nullptr;
};

/// One way to compute attention. Has no state; found by name.
class AttentionKernel {
 public:
  virtual ~AttentionKernel() = default;
  virtual std::string_view name() const = 0;
  /// One line: what it does and what it costs.
  virtual std::string_view summary() const = 0;
  /// Empty if the kernel supports the call; else a sentence with the reason and a kernel that does.
  virtual std::string refuses(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const AttendArgs& args) const = 0;
  /// attend() has checked the arguments, set dropout_seed where dropout > 0, and applies head_gate.
  virtual torch::Tensor run(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                            const AttendArgs& args) const = 0;
};

/// Throws c10::Error for an unknown name, with a list of the names.
const AttentionKernel& attention_kernel(std::string_view name);
/// All names, in the order of the README's table.
std::vector<std::string> attention_kernel_names();

/// q [B, H, T, Dh], k and v [B, Hkv, S, Dh] -> [B, H, T, Dh]. Hkv divides H: query head h reads
/// key-value head h * Hkv / H (grouped-query attention, Ainslie et al. 2023, arXiv:2305.13245).
/// Inputs may be strided. Throws c10::Error where shapes, dtypes or devices do not fit, or the
/// kernel refuses.
torch::Tensor attend(const AttentionKernel& kernel, const torch::Tensor& q, const torch::Tensor& k,
                     const torch::Tensor& v, const AttendArgs& args = {});
torch::Tensor attend(std::string_view kernel, const torch::Tensor& q, const torch::Tensor& k,
                     const torch::Tensor& v, const AttendArgs& args = {});

}  // namespace zoo
