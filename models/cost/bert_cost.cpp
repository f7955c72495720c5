// A BERT's parts: tables, blocks (several layers may share one), pooler, heads.
#include "models/cost/bert_cost.h"

#include <cmath>

#include "models/layers/pruned_heads.h"

namespace zoo {
namespace {

double embedding_width(const BertOptions& o) {
  return double(o.embedding_width > 0 ? o.embedding_width : o.d_model);
}

/// Each block's parameters once, its operations for every layer that it serves.
ModelCost shared_blocks_cost(const BertOptions& o, double T) {
  StackOptions distinct = o;
  distinct.layers = o.shared_blocks;
  ModelCost cost = blocks_cost(distinct, T);
  const auto L = double(o.layers), blocks = double(o.shared_blocks);
  if (o.pruned_heads.empty() || o.layers == o.shared_blocks) {
    cost.forward_flops *= L / blocks;
    return cost;
  }
  distinct.pruned_heads.clear();
  const BlockOptions whole = block_options(distinct, 0);
  const double flops = block_cost(whole, T).forward_flops;
  cost.forward_flops = L * flops;
  const HeadsByLayer pruned = parse_heads(o.pruned_heads);
  for (const auto& [block, heads] : pruned) {
    const auto first_layer = [&](int64_t n) { return std::ceil(double(n) * L / blocks); };
    BlockOptions fewer = whole;
    fewer.attention = without_heads(whole.attention, pruned, block);
    cost.forward_flops -= (first_layer(block + 1) - first_layer(block)) *
                          (flops - block_cost(fewer, T).forward_flops);
  }
  return cost;
}

}  // namespace

ModelCost cost_of(const BertOptions& options, int64_t length) {
  const BertOptions o = resolved(options);
  const auto T = double(length), C = double(o.d_model);
  const double E = embedding_width(o);
  ModelCost cost = table_cost(double(o.vocab_size) + double(o.segments), E);
  cost += position_cost(o, double(o.context) + double(o.position_padding) + 1, E, double(o.heads),
                        double(o.head_width));
  cost += norm_cost(E, norm_options(o));
  if (o.embedding_width > 0) cost += linear_cost(T, E, C, /*bias=*/true);
  ModelCost blocks = shared_blocks_cost(o, T);
  if (o.reversible) blocks.recomputed_flops = blocks.forward_flops;
  cost += blocks;
  if (o.norm_place != NormPlace::kPost) cost += norm_cost(C, norm_options(o));
  if (o.pooler) cost += linear_cost(1, C, C, /*bias=*/true);
  cost.cache_values_per_token = cost.cache_values = 0;  // an encoder keeps none
  return cost;
}

ModelCost cost_of(const BertTaskOptions& options, int64_t length) {
  BertOptions o = resolved(options.bert);
  if (options.task != BertTask::kNone) o.pooler = needs_pooler(options);
  const auto C = double(o.d_model), V = double(o.vocab_size);
  const double E = embedding_width(o);
  const bool electra = o.family == BertFamily::kElectra;
  const bool pre_trains = options.task == BertTask::kPreTraining;
  ModelCost heads;
  const auto layer = [&](double in, double out) { return linear_cost(0, in, out, /*bias=*/true); };
  if (options.task == BertTask::kMaskedLm || (pre_trains && !electra)) {
    heads += layer(C, E) + norm_cost(E, norm_options(o));
    heads.parameters += V;  // the bias of the scores
    heads.output_parameters = options.tie_embeddings ? 0 : V * E;
    heads.parameters += heads.output_parameters;
  }
  if (options.task == BertTask::kNextSentence || (pre_trains && !electra)) heads += layer(C, 2);
  if (pre_trains && electra) heads += layer(C, C) + layer(C, 1);
  const bool of_texts = options.task == BertTask::kClassifyText;
  if (of_texts && !needs_pooler(options)) heads += layer(C, C);
  if (of_texts || options.task == BertTask::kClassifyTokens)
    heads += layer(C, double(options.labels));
  return cost_of(o, length) + heads;
}

}  // namespace zoo
