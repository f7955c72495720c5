// attend: the one door through which every model of the zoo computes attention.
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

/// Carries inner tensors (attention weights, hidden states) out of a model to whoever asked for
/// them.
struct Trace {
  bool hidden_states = false;  ///< asks for "hidden_states.N"
  bool attentions =
      false;  ///< asks for "attentions.N"; needs a kernel that forms the weights ("matmul")
  std::map<std::string, torch::Tensor> tensors;
};

/// What restricts or shapes one call. Structure (causal, window, lengths) stays structure, so that
/// kernels can skip whole blocks instead of reading a dense mask. All restrictions hold together.
/// A query that may attend to nothing gets zeros.
struct AttendArgs {
  /// Query t sees keys up to its own place, which is query_start + t.
  bool causal = false;
  /// Of the keys up to its own place, a query sees only the last `window` (sliding window; itself
  /// included). Without causal, keys after its place are limited to window - 1 as well.
  std::optional<int64_t> window = {};
  /// [B] int64: place of each row's first query among the keys. Undefined: S - T, so the last query
  /// sits at the last key. Rows of a batch that are decoded together differ here.
  torch::Tensor query_start = {};
  /// [B] int64: keys at and past it are padding. Undefined: all S are real.
  torch::Tensor key_lengths = {};
  /// Bool, broadcasts to [B, H, T, S]; true takes part.
  torch::Tensor may_attend = {};
  /// Float, broadcasts to [B, H, T, S]: added to the scaled scores.
  torch::Tensor bias = {};
  /// Float [H, T + S - 1], added to the scores: entry (key - query) + T - 1, both counted from 0
  /// (ALiBi, T5).
  torch::Tensor relative_bias = {};
  /// Float [H] or [B, H]: multiplies a head's output (DropHead, pruning, ablation).
  torch::Tensor head_gate = {};
  /// Multiplies the scores. Unset: 1 / sqrt(Dh).
  std::optional<double> scale = {};
  /// Probability that a weight is dropped; the others grow by 1 / (1 - dropout). For training only.
  double dropout = 0.0;
  /// Seed of the dropout mask (dropout_mask.h). Unset: attend() draws one from torch's default
  /// generator, so that the stream does not depend on the kernel.
  std::optional<uint64_t> dropout_seed = {};
  /// Not null: the kernel writes its weights [B, H, T, S] here, after dropout-free softmax.
  torch::Tensor* weights = nullptr;
};

/// One way to compute attention. Stateless; found by name.
class AttentionKernel {
 public:
  virtual ~AttentionKernel() = default;
  virtual std::string_view name() const = 0;
  /// One line: what it does and what it costs.
  virtual std::string_view summary() const = 0;
  /// Empty when this kernel can do the call, else a sentence that says why not and which kernel
  /// can.
  virtual std::string refuses(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const AttendArgs& args) const = 0;
  /// The arguments were checked by attend(); dropout_seed is set wherever dropout > 0.
  /// head_gate is attend()'s business.
  virtual torch::Tensor run(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                            const AttendArgs& args) const = 0;
};

/// Throws c10::Error for an unknown name and lists the known.
const AttentionKernel& attention_kernel(std::string_view name);
/// All names, oldest idea first.
std::vector<std::string> attention_kernel_names();

/// q [B, H, T, Dh], k and v [B, Hkv, S, Dh] -> [B, H, T, Dh]. Hkv divides H: query heads h * Hkv /
/// H share key-value heads (grouped-query attention, Ainslie et al. 2023, arXiv:2305.13245).
/// Strided inputs are welcome. Throws c10::Error where shapes, dtypes or devices do not fit, or the
/// kernel refuses.
torch::Tensor attend(const AttentionKernel& kernel, const torch::Tensor& q, const torch::Tensor& k,
                     const torch::Tensor& v, const AttendArgs& args = {});
torch::Tensor attend(std::string_view kernel, const torch::Tensor& q, const torch::Tensor& k,
                     const torch::Tensor& v, const AttendArgs& args = {});

}  // namespace zoo
