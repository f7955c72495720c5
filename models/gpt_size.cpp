#include "models/gpt_size.h"

namespace zoo {

GptSize gpt_size(const GptOptions& o, int64_t length) {
  const int64_t C = o.d_model, L = o.layers, H = o.heads;
  const int64_t Hkv = o.kv_heads == 0 ? H : o.kv_heads;
  const int64_t Dh = o.head_width == 0 ? C / H : o.head_width;
  const int64_t F = o.feed_forward == 0 ? 4 * C : o.feed_forward;
  const int64_t F_in = o.activation == Activation::kSwiglu ? 2 * F : F;  // gate and values

  const int64_t qkv = (H + 2 * Hkv) * Dh;
  const int64_t matrices = C * qkv + H * Dh * C + C * F_in + F * C;
  const int64_t biases = (o.attention_bias ? qkv + C : 0) + (o.feed_forward_bias ? F_in + C : 0);
  const int64_t norm = o.norm == NormKind::kLayer && o.norm_bias ? 2 * C : C;
  const int64_t norms = (2 * L + (o.norm_place == NormPlace::kPre ? 1 : 0)) * norm;

  GptSize size;
  size.embedding_parameters = o.vocab_size * C;
  if (o.position == PositionKind::kLearned) size.embedding_parameters += o.context * C;
  size.parameters = size.embedding_parameters + L * (matrices + biases) + norms;
  if (!o.tie_embeddings) size.parameters += o.vocab_size * C;
  size.matrix_parameters = L * matrices + o.vocab_size * C;
  size.forward_flops_per_token =
      2.0 * static_cast<double>(size.matrix_parameters) +
      4.0 * static_cast<double>(L * H * Dh) * static_cast<double>(length);
  size.training_flops_per_token = 3.0 * size.forward_flops_per_token;
  size.cache_values_per_token = 2 * L * Hkv * Dh;
  return size;
}

}  // namespace zoo
