// The loop over blocks.
#include "models/layers/stack.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "models/layers/reversible.h"

namespace zoo {

namespace {

/// What a layer reads beside the stream.
struct LayerInputs {
  SelfAttentionContext layer;
  CrossKeyValues cross;
  AttendArgs cross_args;

  /// Those with a gradient.
  std::vector<torch::Tensor*> differentiable() {
    std::vector<torch::Tensor*> tensors;
    for (torch::Tensor* tensor :
         {&layer.relative_bias, &layer.distances.content_bias, &layer.distances.distance_bias,
          &layer.args.relative_bias, &layer.args.bias, &layer.args.head_gate, &cross.k, &cross.v,
          &cross_args.bias, &cross_args.head_gate})
      if (tensor->defined() && tensor->requires_grad()) tensors.push_back(tensor);
    return tensors;
  }
};

void add_branches(ReversibleStreams& streams, const std::shared_ptr<BlockImpl>& block,
                  LayerInputs inputs) {
  std::vector<torch::Tensor> tensors, parameters;
  for (const torch::Tensor* tensor : inputs.differentiable()) tensors.push_back(*tensor);
  if (!streams.keeps()) parameters = block->parameters();
  for (int64_t n = 0; n < block->sub_layers(); ++n) {
    const auto sub_layer = [=](const torch::Tensor& x, const std::vector<torch::Tensor>& given) {
      LayerInputs own = inputs;
      const auto places = own.differentiable();
      for (size_t i = 0; i < places.size(); ++i) *places[i] = given[i];
      return block->sub_layer(n, x, own.layer, &own.cross, own.cross_args);
    };
    streams.add({sub_layer, tensors, parameters});
  }
}

}  // namespace

torch::Tensor run_stack(torch::nn::ModuleList& blocks, Norm& final_norm, torch::Tensor h,
                        StackContext context) {
  Trace* const trace = context.trace;
  auto& layer = context.layer;
  const auto slot = [&](const char* what, size_t n) -> torch::Tensor& {
    return trace->tensors[context.trace_prefix + what + std::to_string(n)];
  };
  const size_t layers = context.layers > 0 ? static_cast<size_t>(context.layers) : blocks->size();
  const double layers_a_block = static_cast<double>(layers) / static_cast<double>(blocks->size());
  KvPass pass;
  if (context.cache != nullptr) pass = context.cache->begin(h.size(1), context.counts);
  SegmentMemory* const memory = context.memory;
  std::vector<torch::Tensor> inputs;  // of all layers, for the memory
  if (memory != nullptr && memory->length() > 0) layer.memory = memory->layers.front();
  place(layer, h.size(1), context.cache != nullptr ? &pass : nullptr);
  std::optional<ReversibleStreams> streams;
  if (blocks->at<BlockImpl>(0).options.reversible)
    streams.emplace(h, /*keeps=*/trace != nullptr || context.cache != nullptr);
  for (size_t n = 0; n < layers; ++n) {
    const auto block =
        blocks->ptr<BlockImpl>(static_cast<size_t>(static_cast<double>(n) / layers_a_block));
    if (trace != nullptr && trace->hidden_states)
      slot("hidden_states.", n) = streams ? streams->mean() : h;
    if (memory != nullptr) inputs.push_back(h);
    if (layer.memory.defined()) layer.memory = memory->layers.at(n);
    if (trace != nullptr && trace->attentions) {
      const bool attends = !block->mixer;
      layer.args.weights = attends ? &slot("attentions.", n) : nullptr;
      if (context.cross_keys_values != nullptr)
        context.cross_args.weights = &trace->tensors["cross_attentions." + std::to_string(n)];
    }
    if (context.cache != nullptr) layer.cache = KvLayer(*context.cache, pass, n);
    const auto* const cross =
        context.cross_keys_values != nullptr ? &context.cross_keys_values->at(n) : nullptr;
    if (streams) {
      add_branches(*streams, block,
                   {layer, cross != nullptr ? *cross : CrossKeyValues{}, context.cross_args});
    } else {
      h = block->forward(h, layer, cross, context.cross_args);
    }
  }
  if (streams) h = streams->mean();
  if (context.cache != nullptr) context.cache->commit(pass);
  if (memory != nullptr) memory->append(inputs);
  const auto normed = final_norm ? final_norm(h) : h;
  if (trace != nullptr && trace->hidden_states)
    slot("hidden_states.", layers) = context.trace_before_norm ? h : normed;
  return normed;
}

torch::Tensor next_positions(int64_t T, const KvCache* cache, const torch::Tensor& counts,
                             int64_t max_positions, std::string_view who) {
  auto positions = torch::arange(T, torch::kLong).unsqueeze(0);  // [1, T]
  int64_t longest = T;
  if (cache != nullptr) {
    positions = positions + (cache->uniform() ? torch::full({1, 1}, cache->longest(), torch::kLong)
                                              : cache->lengths().unsqueeze(1));  // [1 or B, T]
    longest += cache->longest();
    // Some rows may hold fewer than T new tokens. The positions of their padding must stay within
    // the position table, if there is one.
    if (counts.defined()) {
      if (max_positions > 0) positions = positions.clamp_max(max_positions - 1);
      longest = (cache->lengths() + counts.cpu()).max().item<int64_t>();
    }
  }
  TORCH_CHECK(max_positions == 0 || longest <= max_positions, who, ": a sequence of ", longest,
              " tokens is longer than the model's context of ", max_positions);
  return positions;
}

void require_softmax_attention(const torch::nn::ModuleList& blocks) {
  for (size_t n = 0; n < blocks->size(); ++n) {
    const auto& mixer = blocks->ptr(n)->as<BlockImpl>()->mixer;
    if (!mixer) continue;
    throw std::runtime_error(
        fmt::format("layer {} has the mixer {}, which has no attention weights; take a model whose "
                    "layers all have softmax attention",
                    n, name_of(mixer->kind())));
  }
}

KvCache make_cache(const torch::nn::ModuleList& blocks, int64_t batch, int64_t capacity,
                   bool rolling) {
  const auto numbers =
      blocks->ptr(0)->as<BlockImpl>()->parameters().front().options().requires_grad(false);
  std::vector<KvCache::LayerShape> layers;
  for (const auto& module : *blocks) {
    const auto& block = *module->as<BlockImpl>();
    if (block.mixer) {
      layers.push_back({.first_state = block.mixer->make_state(1, numbers)});
    } else {
      layers.push_back(block.attention->cached());
      const auto& attention = block.attention->options;
      const bool sparse =
          attention.global_tokens > 0 || attention.blocks.pattern != BlockPattern::kNone;
      if (!rolling || sparse) continue;
      const int64_t reach = attention.segments.any() ? attention.segments.reach() : 0;
      const int64_t window = attention.window.value_or(reach);
      layers.back().window = reach > 0 ? std::min(window, reach) : window;
      layers.back().sinks = attention.far.sinks;
    }
  }
  return {batch, capacity, layers, numbers};
}

}  // namespace zoo
