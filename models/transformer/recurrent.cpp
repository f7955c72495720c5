// The recurrent baseline: a step at a time, because each state needs the one before.
#include "models/transformer/recurrent.h"

#include <c10/util/Exception.h>
#include <torch/nn/utils/rnn.h>

#include <cmath>
#include <limits>

#include "base/option_checks.h"
#include "models/cost/transformer_cost.h"

namespace zoo {
namespace {

RecurrentOptions resolved(RecurrentOptions o) {
  if (o.share_embeddings || o.source_vocab_size == 0) o.source_vocab_size = o.vocab_size;
  return o;
}

torch::nn::Linear linear(int64_t in, int64_t out, bool bias) {
  return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(bias));
}

}  // namespace

RecurrentImpl::RecurrentImpl(const RecurrentOptions& options_) : options(resolved(options_)) {
  const auto& o = options;
  const int64_t C = o.d_model;
  TORCH_CHECK(o.vocab_size > 0 && o.source_vocab_size > 0 && o.layers > 0 && C > 0 && C % 2 == 0,
              "Recurrent: vocabularies, layers and d_model must be positive and d_model even, got ",
              o.vocab_size, ", ", o.source_vocab_size, ", ", o.layers, " and ", C);
  source_embedding =
      register_module("source_embedding", torch::nn::Embedding(o.source_vocab_size, C));
  target_embedding = source_embedding;
  if (!o.share_embeddings)
    target_embedding = register_module("target_embedding", torch::nn::Embedding(o.vocab_size, C));
  encoder = register_module("encoder", torch::nn::LSTM(torch::nn::LSTMOptions(C, C / 2)
                                                           .num_layers(o.layers)
                                                           .batch_first(true)
                                                           .bidirectional(true)
                                                           .dropout(o.layers > 1 ? o.dropout : 0)));
  initial = register_module("initial", linear(C, 2 * o.layers * C, true));
  for (int64_t n = 0; n < o.layers; ++n) {
    decoder.push_back(register_module("decoder_" + std::to_string(n),
                                      torch::nn::LSTMCell(n == 0 ? 2 * C : C, C)));
  }
  query_proj = register_module("query_proj", linear(C, C, true));
  key_proj = register_module("key_proj", linear(C, C, false));
  score = register_module("score", linear(C, 1, false));
  combine = register_module("combine", linear(3 * C, C, true));
  if (!o.tie_embeddings) lm_head = register_module("lm_head", linear(C, o.vocab_size, false));
  dropout = register_module("dropout", Dropout(o.dropout));
  const torch::NoGradGuard no_grad;
  const double deviation = 1.0 / std::sqrt(static_cast<double>(C));
  source_embedding->weight.normal_(0.0, deviation);
  if (!o.share_embeddings) target_embedding->weight.normal_(0.0, deviation);
}

EncodedSource RecurrentImpl::encode(const torch::Tensor& source, const torch::Tensor& lengths) {
  namespace rnn = torch::nn::utils::rnn;
  const int64_t B = source.size(0), S = source.size(1);
  const auto known = lengths.defined() ? lengths.cpu() : torch::full({B}, S, torch::kLong);
  const auto embedded = dropout(source_embedding(source));  // [B, S, C]
  if (B == 0) return encode_nothing(embedded);
  // Packed: the backward direction must begin at each row's own end.
  const auto packed = rnn::pack_padded_sequence(embedded, known, /*batch_first=*/true,
                                                /*enforce_sorted=*/false);
  const auto read = std::get<0>(encoder->forward_with_packed_input(packed));
  const auto values =
      std::get<0>(rnn::pad_packed_sequence(read, /*batch_first=*/true, 0.0, S));  // [B, S, C]
  const auto real = torch::arange(S, torch::kLong).unsqueeze(0).lt(known.unsqueeze(1));
  return {values, key_proj(values), real.to(source.device())};
}

/// For a process whose part of a batch has no rows. Its generator moves on as that of others, which
/// draw for dropout between layers.
EncodedSource RecurrentImpl::encode_nothing(const torch::Tensor& embedded) {
  for (int64_t n = 1; n < options.layers && options.dropout > 0.0 && is_training(); ++n)
    torch::dropout(torch::ones({1}), options.dropout, /*train=*/true);
  return {embedded, key_proj(embedded),
          torch::zeros({0, embedded.size(1)}, embedded.options().dtype(torch::kBool))};
}

RecurrentState RecurrentImpl::first_state(const EncodedSource& encoded) {
  const auto counts = encoded.real.sum(1, true).to(encoded.values.dtype());      // [B, 1]
  const auto mean = encoded.values.sum(1) / counts;                              // [B, C]
  const auto states = torch::tanh(initial(mean)).chunk(2 * options.layers, -1);  // [B, C] each
  RecurrentState state;
  for (int64_t n = 0; n < options.layers; ++n) {
    state.hidden.push_back(states[static_cast<size_t>(2 * n)]);
    state.cell.push_back(states[static_cast<size_t>(2 * n + 1)]);
  }
  return state;
}

torch::Tensor RecurrentImpl::hidden(const torch::Tensor& source,
                                    const torch::Tensor& source_lengths,
                                    const torch::Tensor& target) {
  const auto encoded = encode(source, source_lengths);
  auto state = first_state(encoded);
  const auto embedded = dropout(target_embedding(target));  // [B, T, C]
  std::vector<torch::Tensor> steps;
  for (int64_t t = 0; t < target.size(1); ++t)
    steps.push_back(advance(embedded.select(1, t), encoded, state, nullptr));
  return torch::stack(steps, 1);  // [B, T, C]
}

torch::Tensor RecurrentImpl::step(const torch::Tensor& tokens, const EncodedSource& encoded,
                                  RecurrentState& state, torch::Tensor* weights) {
  return advance(dropout(target_embedding(tokens)), encoded, state, weights);
}

torch::Tensor RecurrentImpl::advance(const torch::Tensor& embedded, const EncodedSource& encoded,
                                     RecurrentState& state, torch::Tensor* weights) {
  const auto context = attend_to(state.hidden.back(), encoded, weights);  // [B, C]
  auto input = torch::cat({embedded, context}, -1);                       // [B, 2C]
  for (size_t n = 0; n < decoder.size(); ++n) {
    std::tie(state.hidden[n], state.cell[n]) =
        decoder[n]->forward(input, std::make_tuple(state.hidden[n], state.cell[n]));
    input = dropout(state.hidden[n]);  // [B, C]
  }
  return dropout(torch::tanh(combine(torch::cat({input, context, embedded}, -1))));  // [B, C]
}

/// §3.1, Eq. 6, and appendix A.1.2: a(s, h) = v^T tanh(W s + U h).
torch::Tensor RecurrentImpl::attend_to(const torch::Tensor& query, const EncodedSource& encoded,
                                       torch::Tensor* weights) {
  const auto sums = torch::tanh(query_proj(query).unsqueeze(1) + encoded.keys);  // [B, S, C]
  const auto scores = score(sums).squeeze(-1).masked_fill(
      encoded.real.logical_not(), -std::numeric_limits<double>::infinity());  // [B, S]
  const auto shares = torch::softmax(scores, -1);                             // [B, S]
  if (weights != nullptr) *weights = shares;
  return torch::bmm(shares.unsqueeze(1), encoded.values).squeeze(1);  // [B, C]
}

torch::Tensor RecurrentImpl::logits_of(const torch::Tensor& hidden) {
  return lm_head ? lm_head(hidden) : torch::linear(hidden, target_embedding->weight);
}

void check(const RecurrentOptions& o) {
  require_at_least("context", o.context, 1);
  require_at_least("layers", o.layers, 1);
  require_option(o.d_model >= 2 && o.d_model % 2 == 0, "d-model", o.d_model,
                 "even and positive: the encoder reads in two directions");
  require_probability("dropout", o.dropout);
  require_model_memory(cost_of(o, 1));
}

}  // namespace zoo
