// Encoder-decoders by their parts: tables, encoder, decoder, output layer.
#include "models/cost/transformer_cost.h"

namespace zoo {
namespace {

/// Tables and output layer, which both kinds have alike.
ModelCost vocabulary_cost(double source, double target, double C, double T, bool share, bool tie) {
  ModelCost cost = table_cost(source + (share ? 0 : target), C);
  ModelCost output = linear_cost(T, C, target, /*bias=*/false);
  output.output_flops = output.forward_flops;
  if (tie) output.parameters = 0;
  output.output_parameters = output.parameters;
  return cost + output;
}

/// `rows` steps of an LSTM cell: four gates read the input and the state, with a bias for each of
/// the two.
ModelCost lstm_cost(double rows, double in, double state) {
  ModelCost cost = linear_cost(rows, in + state, 4 * state, /*bias=*/true);
  cost.parameters += 4 * state;
  cost.layers = 1;
  return cost;
}

}  // namespace

ModelCost cost_of(const TransformerOptions& options, int64_t length) {
  const TransformerOptions o = resolved(options);
  const auto T = double(length), C = double(o.d_model);
  ModelCost cost = vocabulary_cost(double(o.source_vocab_size), double(o.vocab_size), C, T,
                                   o.share_embeddings, o.tie_embeddings);
  const StackOptions encoder = encoder_stack(o), decoder = decoder_stack(o);
  for (const StackOptions* stack : {&encoder, &decoder})
    cost += position_cost(o, double(o.context), C, double(stack->heads), double(stack->head_width));
  const NormOptions norm = norm_options(encoder);
  if (o.norm_embeddings) cost += 2 * norm_cost(C, norm);
  cost += blocks_cost(encoder, T);
  cost.cache_values_per_token = cost.cache_values = 0;  // the encoder keeps none
  cost += decoder_blocks_cost(decoder, T, T);
  if (o.norm_place != NormPlace::kPost) cost += 2 * norm_cost(C, norm);
  return cost;
}

ModelCost cost_of(const RecurrentOptions& o, int64_t length) {
  const auto T = double(length), C = double(o.d_model), L = double(o.layers);
  const auto V = double(o.vocab_size);
  const double source =
      o.share_embeddings || o.source_vocab_size == 0 ? V : double(o.source_vocab_size);
  ModelCost cost = vocabulary_cost(source, V, C, T, o.share_embeddings, o.tie_embeddings);
  cost += 2 * L * lstm_cost(T, C, C / 2);               // the encoder, in two directions
  cost += linear_cost(1, C, 2 * L * C, /*bias=*/true);  // the decoder's first state
  cost += lstm_cost(T, 2 * C, C) + (L - 1) * lstm_cost(T, C, C);
  cost +=
      linear_cost(T, C, C, /*bias=*/true) + linear_cost(T, C, C, /*bias=*/false);  // queries, keys
  ModelCost attention = linear_cost(0, C, 1, /*bias=*/false);
  attention.forward_flops = attention_flops(T, T, C);
  cost += attention + linear_cost(T, 3 * C, C, /*bias=*/true);  // what the output layer reads
  return cost;
}

}  // namespace zoo
