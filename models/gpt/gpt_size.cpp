// Counts what a GPT is made of, matrix by matrix.
#include "models/gpt/gpt_size.h"

namespace zoo {

GptSize gpt_size(const GptOptions& options, int64_t length) {
  const GptOptions o = resolved(options);
  // In floating point: sizes that a damaged config.json names would overflow whole numbers.
  const double C = double(o.d_model), L = double(o.layers), V = double(o.vocab_size);
  const double q_rows = double(o.heads) * double(o.head_width);
  const double kv_rows = double(o.kv_heads) * double(o.head_width);
  const double F = double(o.feed_forward);
  const double F_in = o.activation == Activation::kSwiglu ? 2 * F : F;  // gate and values

  const double qkv = q_rows + 2 * kv_rows;
  const double matrices = C * qkv + q_rows * C + C * F_in + F * C;
  const double biases = (o.attention_bias ? qkv + C : 0) + (o.feed_forward_bias ? F_in + C : 0);
  const double norm = o.norm == NormKind::kLayer && o.norm_bias ? 2 * C : C;
  const double norms = (2 * L + (o.norm_place == NormPlace::kPre ? 1 : 0)) * norm;

  GptSize size;
  size.output_parameters = o.tie_embeddings ? 0 : V * C;
  size.embedding_parameters = V * C;
  if (o.position == PositionKind::kLearned) size.embedding_parameters += double(o.context) * C;
  size.parameters =
      size.embedding_parameters + L * (matrices + biases) + norms + size.output_parameters;
  size.matrix_parameters = L * matrices + V * C;
  size.forward_flops_per_token =
      2.0 * size.matrix_parameters + 4.0 * L * q_rows * static_cast<double>(length);
  size.training_flops_per_token = 3.0 * size.forward_flops_per_token;
  size.cache_values_per_token = 2 * L * kv_rows;
  return size;
}

}  // namespace zoo
