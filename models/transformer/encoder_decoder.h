// What training and measuring need from a model that turns one sequence into another, whatever it
// is made of.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

namespace zoo {

class EncoderDecoder : public torch::nn::Module {
 public:
  /// Teacher forcing: source [B, S] with source_lengths [B] (undefined: all S are real), target
  /// [B, T] that begins with the start token -> [B, T, C], what the output layer reads. Row t has
  /// seen the whole source and the target up to t. What stands past a source's length changes
  /// nothing; what stands past a target's end is the caller's business.
  virtual torch::Tensor hidden(const torch::Tensor& source, const torch::Tensor& source_lengths,
                               const torch::Tensor& target) = 0;
  /// [..., C] -> [..., V]
  virtual torch::Tensor logits_of(const torch::Tensor& hidden) = 0;
  /// V
  virtual int64_t target_vocab_size() const = 0;
  /// Ids that a source may hold.
  virtual int64_t source_vocab_size() const = 0;
  /// Longest source and target in tokens; 0: no limit.
  virtual int64_t longest() const = 0;
};

}  // namespace zoo
