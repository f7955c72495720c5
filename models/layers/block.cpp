// Norm, sub-layer, scale, dropout, residual: two or three times.
#include "models/layers/block.h"

#include <c10/util/Exception.h>

#include "base/own_function.h"
#include "models/layers/drop_path.h"
#include "models/layers/own_layers.h"

namespace zoo {

torch::Tensor BlockImpl::forward(const torch::Tensor& x, const SelfAttentionContext& context,
                                 const CrossKeyValues* cross, const AttendArgs& cross_args) {
  const Parts attends{attention_norm, attention_out_norm, attention_scale},
      crosses{cross_norm, cross_out_norm, cross_scale},
      feeds{feed_forward_norm, feed_forward_out_norm, feed_forward_scale};
  if (options.parallel != ParallelBranches::kNone) {
    const auto y = attention_norm(x);                             // [B, T, C]
    const auto z = feed_forward_norm ? feed_forward_norm(x) : y;  // [B, T, C]
    return x + branch(mix(y, context), attends) + branch(feed(z, context), feeds);
  }
  auto h = residual(x, attends, [&](const auto& y) { return mix(y, context); });
  if (options.cross_attention) {
    TORCH_CHECK(cross != nullptr, "Block: cross-attention needs the encoder's keys and values");
    h = residual(h, crosses,
                 [&](const auto& y) { return cross_attention->cross(y, *cross, cross_args); });
  }
  return residual(h, feeds, [&](const auto& y) { return feed(y, context); });  // [B, T, C]
}

torch::Tensor BlockImpl::sub_layer(int64_t n, const torch::Tensor& x,
                                   const SelfAttentionContext& context, const CrossKeyValues* cross,
                                   const AttendArgs& cross_args) {
  if (n == 0)
    return branch(mix(attention_norm(x), context),
                  {attention_norm, attention_out_norm, attention_scale});
  if (n + 1 == sub_layers())
    return branch(feed(feed_forward_norm(x), context),
                  {feed_forward_norm, feed_forward_out_norm, feed_forward_scale});
  TORCH_CHECK(cross != nullptr, "Block: cross-attention needs the encoder's keys and values");
  return branch(cross_attention->cross(cross_norm(x), *cross, cross_args),
                {cross_norm, cross_out_norm, cross_scale});
}

torch::Tensor BlockImpl::mix(const torch::Tensor& y, const SelfAttentionContext& context) {
  if (!mixer && context.memory.defined()) {
    SelfAttentionContext with_memory = context;
    if (options.norm_place != NormPlace::kPost)
      with_memory.memory = attention_norm(context.memory);  // as y itself
    return attention(y, with_memory);
  }
  if (!mixer) return attention(y, context);
  const AttendArgs& args = context.args;
  TORCH_CHECK(!args.may_attend.defined() && !args.window && !args.prefix_lengths.defined() &&
                  !args.block_layout.defined() && !args.bias.defined() &&
                  !context.memory.defined() && !args.relative_bias.defined() &&
                  !args.head_gate.defined(),
              "mixer '", name_of(mixer->kind()),
              "': it hides padding at the end of a text only, and has no weights to mask, bias or "
              "gate; softmax attention has");
  if (context.cache) return mixer->step(y, context.cache->state(), context.cache->pass().counts);
  return mixer->forward(y, {.causal = args.causal, .lengths = args.key_lengths});
}

torch::Tensor BlockImpl::feed(const torch::Tensor& y, const SelfAttentionContext& context) {
  if (!experts) return feed_forward(y);
  const auto& lengths = context.args.key_lengths;  // [B], or undefined
  if (!lengths.defined() || context.cache) return experts(y);
  const auto numbers = torch::arange(y.size(1), torch::dtype(torch::kLong).device(y.device()));
  return experts(y, numbers.unsqueeze(0) < lengths.to(y.device()).unsqueeze(1));
}

template <class SubLayer>
torch::Tensor BlockImpl::residual(const torch::Tensor& x, const Parts& parts, SubLayer sub_layer) {
  const auto adds = [&](const torch::Tensor& y) { return branch(sub_layer(y), parts); };
  const bool post = options.norm_place == NormPlace::kPost;
  static auto* const own = own_function<OwnResidual>("residual");
  if (own != nullptr)
    return own(
        x, [&](const auto& y) { return parts.norm(y); }, adds, post);
  return post ? parts.norm(x + adds(x)) : x + adds(parts.norm(x));  // §3.1 of the paper: post
}

torch::Tensor BlockImpl::branch(torch::Tensor y, const Parts& parts) {
  if (parts.out_norm) y = parts.out_norm(y);
  if (parts.scale.defined()) y = y * parts.scale;
  y = dropout(y);
  return options.drop_path > 0.0 && is_training() ? drop_path(y, options.drop_path) : y;
}

BlockImpl::BlockImpl(const BlockOptions& options_) : options(options_) {
  TORCH_CHECK(options.parallel == ParallelBranches::kNone ||
                  (options.norm_place != NormPlace::kPost && !options.cross_attention),
              "Block: parallel branches need a norm before them, and no cross-attention");
  TORCH_CHECK(!options.reversible || (options.norm_place != NormPlace::kPost &&
                                      options.parallel == ParallelBranches::kNone),
              "Block: a reversible layer needs norms before its sub-layers, one after the other");
  const bool sandwich = options.norm_place == NormPlace::kSandwich;
  attention_norm = register_norm("attention_norm");
  if (options.mixer) {
    const auto& [kind, chosen, sizes] = *options.mixer;
    mixer = register_module("mixer", make_mixer(kind, chosen, sizes));
  } else {
    attention = register_module("attention", MultiHeadAttention(options.attention));
  }
  attention_out_norm = register_norm("attention_out_norm", sandwich);
  attention_scale = register_scale("attention_scale");
  if (options.cross_attention) {
    cross_norm = register_norm("cross_norm");
    cross_attention =
        register_module("cross_attention", MultiHeadAttention(*options.cross_attention));
    cross_out_norm = register_norm("cross_out_norm", sandwich);
    cross_scale = register_scale("cross_scale");
  }
  feed_forward_norm =
      register_norm("feed_forward_norm", options.parallel != ParallelBranches::kOneNorm);
  if (options.experts) {
    experts = register_module("experts", MixtureOfExperts(*options.experts));
  } else {
    feed_forward = register_module("feed_forward", FeedForward(options.feed_forward));
  }
  feed_forward_out_norm = register_norm("feed_forward_out_norm", sandwich);
  feed_forward_scale = register_scale("feed_forward_scale");
  dropout = register_module("dropout", Dropout(options.residual_dropout));
}

Norm BlockImpl::register_norm(const char* name, bool wanted) {
  if (!wanted) return nullptr;
  return register_module(name, Norm(options.attention.d_model, options.norm));
}

torch::Tensor BlockImpl::register_scale(const char* name) {
  if (options.layer_scale == 0.0) return {};
  return register_parameter(name, torch::full({options.attention.d_model}, options.layer_scale));
}

}  // namespace zoo
