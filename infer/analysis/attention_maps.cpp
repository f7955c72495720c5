// One traced pass of each family, and the labels and masks that belong to it.
#include "infer/analysis/attention_maps.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "models/layers/stack.h"

namespace zoo {
namespace {

constexpr const char* kWho = "attention_map";

torch::Tensor row_of(const std::vector<int64_t>& ids, torch::Device device) {
  return torch::tensor(ids, torch::kLong).unsqueeze(0).to(device);  // [1, T]
}

Trace weights_trace() { return {.attentions = true, .tensors = {}}; }

/// The traced weights of a stack's layers, from "PREFIXattentions.0" on.
std::vector<torch::Tensor> traced_layers(const Trace& trace, const std::string& prefix) {
  std::vector<torch::Tensor> layers;
  for (int64_t n = 0;; ++n) {
    const auto found = trace.tensors.find(fmt::format("{}attentions.{}", prefix, n));
    if (found == trace.tensors.end()) return layers;
    layers.push_back(found->second[0].to(torch::kCPU, torch::kFloat).contiguous());  // [H, T, S]
  }
}

torch::Tensor all_visible(size_t queries, size_t keys) {
  return torch::ones({static_cast<int64_t>(queries), static_cast<int64_t>(keys)}, torch::kBool);
}

AttentionMap self_map(const std::string& name, const std::vector<std::string>& labels, bool causal,
                      std::vector<torch::Tensor> layers) {
  const auto visible = all_visible(labels.size(), labels.size());  // [T, T]
  return {.name = name,
          .queries = labels,
          .keys = labels,
          .may_attend = causal ? visible.tril() : visible,
          .layers = std::move(layers)};
}

/// "CLS", then "row 0, column 0" and so on.
AttentionMap patch_map(const std::string& name, int64_t prefix, Grid grid,
                       std::vector<torch::Tensor> layers) {
  std::vector<std::string> labels;
  for (int64_t n = 0; n < prefix; ++n) labels.push_back(n == 0 ? "CLS" : "DIST");
  for (int64_t row = 0; row < grid.rows; ++row) {
    for (int64_t column = 0; column < grid.columns; ++column)
      labels.push_back(fmt::format("{},{}", row, column));
  }
  AttentionMap map = self_map(name, labels, /*causal=*/false, std::move(layers));
  map.prefix = prefix;
  map.grid = grid;
  return map;
}

AttentionMap vit_map(VitImpl& model, const std::string& name, const torch::Tensor& pixels) {
  Trace trace = weights_trace();
  require_softmax_attention(model.blocks);
  model.encode(pixels.to(model.patch_embedding->parameters().front().device()), {.trace = &trace});
  return patch_map(name, prefix_tokens(model.options), grid_of(model.options),
                   traced_layers(trace, ""));
}

AttentionMap gpt_map(GptImpl& model, const std::string& name, const LabelledTokens& text) {
  const auto tokens = row_of(text.ids, model.token_embedding->weight.device());  // [1, T]
  check_token_ids(tokens, model.options.vocab_size, kWho);
  Trace trace = weights_trace();
  require_softmax_attention(model.blocks);
  model.hidden(tokens, {.trace = &trace});
  return self_map(name, text.labels, /*causal=*/true, traced_layers(trace, ""));
}

}  // namespace

AttentionMaps attention_maps(GptImpl& model, const LabelledTokens& text) {
  const torch::NoGradGuard no_grad;
  return {.maps = {gpt_map(model, "self", text)}};
}

AttentionMaps attention_maps(BertImpl& model, const LabelledTokens& text) {
  const torch::NoGradGuard no_grad;
  const auto device = model.token_embedding->weight.device();
  const auto tokens = row_of(text.ids, device);  // [1, T]
  check_token_ids(tokens, model.options.vocab_size, kWho);
  Trace trace = weights_trace();
  BertContext context{.trace = &trace};
  if (!text.segments.empty() && model.options.segments > 1)
    context.segments = row_of(text.segments, device);
  require_softmax_attention(model.blocks);
  model.forward(tokens, context);
  return {.maps = {self_map("self", text.labels, /*causal=*/false, traced_layers(trace, ""))}};
}

AttentionMaps attention_maps(TransformerImpl& model, const LabelledTokens& source,
                             const LabelledTokens& target) {
  const torch::NoGradGuard no_grad;
  const auto device = model.target_embedding->weight.device();
  const auto read = row_of(source.ids, device), written = row_of(target.ids, device);
  check_token_ids(read, model.options.source_vocab_size, kWho);
  check_token_ids(written, model.options.vocab_size, kWho);
  Trace trace = weights_trace();
  for (const auto& blocks : {model.encoder, model.decoder}) require_softmax_attention(blocks);
  const auto encoded = model.encode(read, {}, &trace);  // [1, S, C]
  model.decode(written, model.cross_keys_values(encoded), {.trace = &trace});
  AttentionMap encoder =
      self_map("encoder", source.labels, false, traced_layers(trace, "encoder_"));
  encoder.query_axis = "Query (source)";
  encoder.key_axis = "Key (source)";
  AttentionMap decoder = self_map("decoder", target.labels, true, traced_layers(trace, "decoder_"));
  decoder.query_axis = "Query (target)";
  decoder.key_axis = "Key (target)";
  AttentionMap cross{.name = "cross",
                     .query_axis = "Query (target)",
                     .key_axis = "Key (source)",
                     .queries = target.labels,
                     .keys = source.labels,
                     .may_attend = all_visible(target.labels.size(), source.labels.size()),
                     .layers = traced_layers(trace, "cross_")};
  return {.maps = {std::move(encoder), std::move(decoder), std::move(cross)}};
}

AttentionMaps attention_maps(VitImpl& model, const torch::Tensor& pixels) {
  const torch::NoGradGuard no_grad;
  return {.maps = {vit_map(model, "self", pixels)}};
}

AttentionMaps attention_maps(CctImpl& model, const torch::Tensor& pixels) {
  const torch::NoGradGuard no_grad;
  Trace trace = weights_trace();
  require_softmax_attention(model.blocks);
  model.hidden(pixels.to(model.parameters().front().device()), &trace);
  return {.maps = {patch_map("self", 0, grid_of(model.options), traced_layers(trace, ""))}};
}

AttentionMaps attention_maps(ClipImpl& model, const torch::Tensor& pixels,
                             const LabelledTokens& text) {
  const torch::NoGradGuard no_grad;
  AttentionMaps result;
  if (pixels.defined()) {
    TORCH_CHECK(model.image, kWho, ": the model has no image tower with attention");
    result.maps.push_back(vit_map(*model.image, "image", pixels));
  }
  if (!text.ids.empty()) {
    TORCH_CHECK(model.text, kWho, ": the model has no text tower");
    result.maps.push_back(gpt_map(*model.text, "text", text));
  }
  return result;
}

int64_t AttentionMap::heads() const {
  int64_t most = 0;
  for (const auto& layer : layers) most = std::max(most, layer.size(0));
  return most;
}

const AttentionMap& AttentionMaps::at(std::string_view name) const {
  for (const auto& map : maps)
    if (map.name == name) return map;
  throw std::out_of_range(fmt::format("attention maps: there is no map '{}'", name));
}

}  // namespace zoo
