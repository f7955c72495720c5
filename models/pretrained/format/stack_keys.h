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

/// What these keys are called; an empty name: the class has no such key.
struct StackKeyNames {
  std::string_view d_model = "hidden_size", layers = "num_hidden_layers";
  std::string_view heads = "num_attention_heads", feed_forward = "intermediate_size";
  std::string_view activation = "hidden_act", norm_epsilon = "layer_norm_eps";
  std::string_view dropout = "hidden_dropout_prob";
  std::string_view attention_dropout = "attention_probs_dropout_prob";
};

template <class Keys, class Options>
void size_keys(Keys& keys, Options& o, const StackDefaults& defaults,
               const StackKeyNames& names = {}) {
  keys.count(names.d_model, o.d_model, defaults.d_model);
  keys.count(names.layers, o.layers, defaults.layers);
  keys.count(names.heads, o.heads, defaults.heads);
  if (!names.feed_forward.empty())
    keys.count(names.feed_forward, o.feed_forward, defaults.feed_forward);
  keys.heads("pruned_heads", o.pruned_heads);
}

/// The sizes, the activation and the layer norms.
template <class Keys, class Options>
void stack_keys(Keys& keys, Options& o, const StackDefaults& defaults,
                const StackKeyNames& names = {}) {
  size_keys(keys, o, defaults, names);
  keys.activation(names.activation, o.activation, defaults.activation);
  if (!names.norm_epsilon.empty())
    keys.number(names.norm_epsilon, o.norm_epsilon, defaults.norm_epsilon);
}

/// The class has `key` for a layer's dropout; of BERT and ViT both.
template <class Keys, class Options>
void dropout_keys(Keys& keys, Options& o, double otherwise, const StackKeyNames& names = {}) {
  keys.number(names.dropout, o.dropout, otherwise);
  keys.number(names.attention_dropout, o.attention_dropout, otherwise);
}

}  // namespace zoo
