// The keys of config.json that many of the reference's classes share: the sizes of a stack of
// blocks and what its feed-forward networks and norms are. What differs from class to class is what
// a missing key means.
#pragma once
#include <cstdint>
#include <string_view>

#include "models/pretrained/format/config_keys.h"

namespace zoo {

struct StackDefaults {
  int64_t d_model = 768, layers = 12, heads = 12, feed_forward = 3072;
  std::string_view activation = "gelu";
  double norm_epsilon = 1e-12;
};

template <class Keys, class Options>
void size_keys(Keys& keys, Options& o, const StackDefaults& defaults) {
  keys.count("hidden_size", o.d_model, defaults.d_model);
  keys.count("num_hidden_layers", o.layers, defaults.layers);
  keys.count("num_attention_heads", o.heads, defaults.heads);
  keys.count("intermediate_size", o.feed_forward, defaults.feed_forward);
  keys.heads("pruned_heads", o.pruned_heads);
}

/// The sizes, the activation and the layer norms.
template <class Keys, class Options>
void stack_keys(Keys& keys, Options& o, const StackDefaults& defaults) {
  size_keys(keys, o, defaults);
  keys.activation("hidden_act", o.activation, defaults.activation);
  keys.number("layer_norm_eps", o.norm_epsilon, defaults.norm_epsilon);
}

/// The class has `key` for a layer's dropout; of BERT and ViT both.
template <class Keys, class Options>
void dropout_keys(Keys& keys, Options& o, double otherwise) {
  keys.number("hidden_dropout_prob", o.dropout, otherwise);
  keys.number("attention_probs_dropout_prob", o.attention_dropout, otherwise);
}

}  // namespace zoo
