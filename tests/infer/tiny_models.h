// Small models with weights large enough that their next-token scores are far apart.
#pragma once
#include <ATen/Parallel.h>
#include <torch/utils.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/gpt/gpt.h"

namespace zoo::testing {

inline GptOptions tiny_options(PositionKind position = PositionKind::kLearned,
                               int64_t kv_heads = 0) {
  GptOptions o;
  o.vocab_size = 29;
  o.context = 16;
  o.layers = 2;
  o.d_model = 24;
  o.heads = 4;
  o.kv_heads = kv_heads;
  o.feed_forward = 48;
  o.position = position;
  o.init_std = 0.3;
  return o;
}

inline Gpt tiny_gpt(const GptOptions& options, uint64_t seed = 1) {
  torch::manual_seed(seed);
  at::set_num_threads(1);  // on tensors of this size threads only wait for each other
  Gpt model(options);
  model->eval();
  return model;
}

/// Every way in which a decoder may know the order of its tokens, shared key-value heads, and texts
/// that stream past the context.
inline std::vector<std::pair<std::string, GptOptions>> every_kind_of_gpt() {
  std::vector<std::pair<std::string, GptOptions>> all;
  for (const auto& [kind, name] : EnumNames<PositionKind>::values) {
    all.emplace_back(name, tiny_options(kind));
    all.emplace_back(std::string(name) + ", grouped heads", tiny_options(kind, 2));
  }
  GptOptions streams = tiny_options(PositionKind::kRotary);
  streams.window = 5;
  all.emplace_back("window", streams);
  streams.sinks = 2;
  all.emplace_back("window and sinks", streams);
  GptOptions remembers = tiny_options(PositionKind::kTransformerXl);
  remembers.context = 5;
  remembers.memory = 4;
  all.emplace_back("memory", remembers);
  return all;
}

}  // namespace zoo::testing
