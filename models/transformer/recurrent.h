// What the Transformer was measured against: an LSTM encoder-decoder with additive attention.
// Bahdanau et al. 2014 (arXiv:1409.0473), §3 and appendix A; the cell is Hochreiter & Schmidhuber
// 1997's. Differs from the paper: LSTM instead of gated units, one tanh layer before the output
// instead of maxout, and the output layer may be the target's table.
#pragma once
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>
#include <torch/nn/pimpl.h>

#include <string_view>
#include <vector>

#include "models/layers/dropout.h"
#include "models/transformer/encoder_decoder.h"

namespace zoo {

struct RecurrentOptions {
  int64_t vocab_size = 0;         ///< V of the target; 0 until the tokenizer is known
  int64_t source_vocab_size = 0;  ///< 0: as vocab_size
  int64_t context = 512;          ///< longest source, and longest target
  int64_t layers = 1;             ///< of the encoder, and of the decoder
  int64_t d_model = 256;          ///< C: width of embeddings and states; even
  bool share_embeddings = true;
  bool tie_embeddings = true;
  double dropout = 0.1;  ///< on embeddings, between layers and before the output
};

template <class Visitor>
void visit(RecurrentOptions& o, Visitor&& v) {
  v("context", o.context, "Longest source and target in tokens");
  v("layers", o.layers, "LSTM layers of the encoder, and of the decoder");
  v("d-model", o.d_model, "C: width of embeddings and states");
  v("share-embeddings", o.share_embeddings, "One table for source and target");
  v("tie-embeddings", o.tie_embeddings, "Output layer = target embedding");
  v("dropout", o.dropout, "Dropout on embeddings, between layers and before the output");
}

/// Throws OptionError for values that no model can have.
void check(const RecurrentOptions& options);

/// The encoded source, as the attention reads it.
struct EncodedSource {
  torch::Tensor values;  // [B, S, C]
  torch::Tensor keys;    // [B, S, C]: U h of the paper, the same at every step
  torch::Tensor real;    // bool [B, S]
};

/// The state of the decoder: one a layer.
struct RecurrentState {
  std::vector<torch::Tensor> hidden, cell;  // [B, C] each
};

class RecurrentImpl : public EncoderDecoder {
 public:
  explicit RecurrentImpl(const RecurrentOptions& options);
  torch::Tensor hidden(const torch::Tensor& source, const torch::Tensor& source_lengths,
                       const torch::Tensor& target) override;
  torch::Tensor logits_of(const torch::Tensor& hidden) override;

  EncodedSource encode(const torch::Tensor& source, const torch::Tensor& lengths);
  /// The state before the first token, from the encoded source: appendix A.2.2.
  EncodedSource encode_nothing(const torch::Tensor& embedded);
  RecurrentState first_state(const EncodedSource& encoded);
  /// One token a row: tokens [B] -> [B, C], what the output layer reads; the state moves on.
  /// `weights`, where not null, gets the attention [B, S].
  torch::Tensor step(const torch::Tensor& tokens, const EncodedSource& encoded,
                     RecurrentState& state, torch::Tensor* weights = nullptr);

  int64_t target_vocab_size() const override { return options.vocab_size; }
  int64_t source_vocab_size() const override { return options.source_vocab_size; }
  int64_t longest() const override { return options.context; }

  RecurrentOptions options;  // zeros replaced by what they stand for
  torch::nn::Embedding source_embedding{nullptr};
  torch::nn::Embedding target_embedding{nullptr};  // the same module where shared
  torch::nn::LSTM encoder{nullptr};                // both directions, C / 2 each
  torch::nn::Linear initial{nullptr};              // the first state from the source's mean
  std::vector<torch::nn::LSTMCell> decoder;        // the first one reads [embedding, context]
  torch::nn::Linear query_proj{nullptr}, key_proj{nullptr}, score{nullptr};  // W_a, U_a, v_a
  torch::nn::Linear combine{nullptr};  // [state, context, embedding] -> C
  torch::nn::Linear lm_head{nullptr};  // empty where tied
  Dropout dropout{nullptr};

 private:
  torch::Tensor attend_to(const torch::Tensor& query, const EncodedSource& encoded,
                          torch::Tensor* weights);
  torch::Tensor advance(const torch::Tensor& embedded, const EncodedSource& encoded,
                        RecurrentState& state, torch::Tensor* weights);
};
TORCH_MODULE(Recurrent);

}  // namespace zoo
