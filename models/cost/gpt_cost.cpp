// A GPT's parts: tables, blocks, the last norm, the output layer.
#include "models/cost/gpt_cost.h"

namespace zoo {
ModelCost cost_of(const GptOptions& options, int64_t length) {
  const GptOptions o = resolved(options);
  const auto T = double(length), C = double(o.d_model), V = double(o.vocab_size),
             E = double(o.embedding_width);
  ModelCost cost = table_cost(V, E);
  if (o.embedding_width != o.d_model) {  // to the blocks and back
    cost += linear_cost(T, E, C, /*bias=*/false);
    cost += linear_cost(T, C, E, /*bias=*/false);
  }
  if (o.norm_embeddings) cost += norm_cost(C, norm_options(o));
  cost += position_cost(o, double(o.context), C, double(o.heads), double(o.head_width));
  cost += blocks_cost(o, T);
  if (o.future_tokens > 0) {  // which a forward pass does not read
    const ModelCost block = block_cost(block_options(o, o.layers - 1), T);
    cost.parameters += double(o.future_tokens) * block.parameters;
    cost.layers += double(o.future_tokens);
  }
  if (o.norm_place != NormPlace::kPost) cost += norm_cost(C, norm_options(o));
  ModelCost output = linear_cost(T, E, V, /*bias=*/false);
  output.output_flops = output.forward_flops;
  if (o.tie_embeddings) output.parameters = 0;
  if (o.output_bias) output.parameters += V;
  output.output_parameters = output.parameters;
  return cost + output;
}

}  // namespace zoo
