// Token mixers: what can stand in a block beside softmax attention, or in its place. Each carries
// information from token to token; for softmax attention the cost grows with the square of the
// length T, for these with T.
//
// Letters as in models/README.md; besides: Dk, Dv the widths of a head's keys and values, W the
// length of a chunk.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/named_enum.h"

namespace zoo {

/// kSoftmax is MultiHeadAttention; the others are made by make_mixer().
enum class MixerKind {
  kSoftmax,
  kLinear,
  kRetention,
  kGla,
  kSsd,
  kPerformer,
  kLinformer,
  kReformer
};
template <>
struct EnumNames<MixerKind> {
  static constexpr std::string_view what = "mixer";
  static constexpr std::pair<MixerKind, std::string_view> values[] = {
      {MixerKind::kSoftmax, "softmax"},
      {MixerKind::kLinear, "linear"},
      {MixerKind::kRetention, "retention"},
      {MixerKind::kGla, "gla"},
      {MixerKind::kSsd, "ssd"},
      {MixerKind::kPerformer, "performer"},
      {MixerKind::kLinformer, "linformer"},
      {MixerKind::kReformer, "reformer"}};
};

/// What a mixer needs to know besides its input.
struct MixerContext {
  bool causal = true;
  /// [B] int64: tokens from this position on are padding. Undefined: there is no padding.
  torch::Tensor lengths = {};
};

/// What a mixer keeps of the tokens that a batch of rows has brought so far. Its tensors are
/// replaced, never changed: a copy costs nothing and stays as it is, to come back to after a
/// rejected draft.
struct MixerState {
  torch::Tensor lengths = {};                         ///< [B] int64: tokens of each row
  std::map<std::string, torch::Tensor> tensors = {};  ///< by name, [B, ...] each

  /// Row b becomes a copy of old row rows[b] ([B'] int64): beams, samples.
  void reorder(const torch::Tensor& rows);
  /// Copies the rows of another state of the same mixer behind its own.
  void append(const MixerState& other);
  /// Memory of the tensors.
  int64_t bytes() const;
};

/// What a mixer consists of and what T tokens of one row cost, from its options alone. In floating
/// point, as ModelCost.
struct MixerCost {
  double parameters = 0;
  double operations = 0;    ///< of the matrix products, a multiply and an add being two
  double state_values = 0;  ///< numbers that a state holds for a row, however long it is
  double token_values = 0;  ///< numbers that it holds for each token besides
};

/// Whether a parameter of this name belongs to a mixer that has given it its first value: a model
/// draws the first values of all others, of a mixer's projections in and out as well.
bool keeps_first_value(std::string_view parameter);

/// A sub-layer x [B, T, C] -> [B, T, C], with two ways to the same numbers: all tokens at once, or
/// step by step with a state. Padding may hold anything, NaN included; its rows of the result are
/// unspecified (finite where the real tokens are).
class TokenMixer : public torch::nn::Module {
 public:
  virtual MixerKind kind() const = 0;
  /// Whether it can look both ways, and whether it can look back only.
  virtual bool supports(bool causal) const = 0;
  /// All tokens of a batch. Throws c10::Error, in one line, for a direction that is not supported.
  torch::Tensor forward(const torch::Tensor& x, const MixerContext& context = {});

  /// The state before the first token of `batch` rows. Throws c10::Error where a mixer cannot look
  /// back only. `options`: dtype and device.
  MixerState make_state(int64_t batch, const torch::TensorOptions& options) const;
  /// The next T tokens of each row, x [B, T, C], of which row b brings the first counts[b] ([B]
  /// int64; undefined: all T) -> [B, T, C]. T = 1 while text is generated, more for a prompt.
  torch::Tensor step(const torch::Tensor& x, MixerState& state, const torch::Tensor& counts = {});

  virtual MixerCost cost(int64_t T, bool causal = true) const = 0;

 protected:
  explicit TokenMixer(int64_t d_model) : d_model_(d_model) {}
  /// forward() without its checks; x is 0 in padding.
  virtual torch::Tensor mix(const torch::Tensor& x, const MixerContext& context) = 0;
  /// The state's tensors; not called where a mixer cannot look back only.
  virtual std::map<std::string, torch::Tensor> first_state(
      int64_t batch, const torch::TensorOptions& options) const = 0;
  /// step() without its checks, and without counting; x is 0 in padding.
  virtual torch::Tensor advance(const torch::Tensor& x, MixerState& state,
                                const torch::Tensor& counts) = 0;

 private:
  void check_input(const torch::Tensor& x, const torch::Tensor& lengths) const;
  int64_t d_model_;
};

}  // namespace zoo
