// Which stacks a family has, and where its options say what they lack.
#include "infer/analysis/head_removal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

#include "models/bert/bert_task.h"
#include "models/clip/clip.h"
#include "models/gpt/gpt.h"
#include "models/layers/pruned_heads.h"
#include "models/layers/stack.h"
#include "models/pretrained/gpt/gpt_config.h"
#include "models/transformer/transformer.h"
#include "models/vision/cct.h"
#include "models/vision/vit.h"

namespace zoo {
namespace {

/// A stack, and the options that describe it (those of a part stand in the whole as well).
struct Stack {
  std::string name;
  torch::nn::ModuleList blocks;
  bool cross = false;
  int64_t heads = 0;                      // of a layer that lacks none
  std::vector<std::string*> pruned = {};  // StackOptions::pruned_heads and the like
};

std::vector<Stack> all_stacks(torch::nn::Module& model) {
  if (auto* gpt = dynamic_cast<GptImpl*>(&model)) {
    auto& o = gpt->options;
    return {{"", gpt->blocks, false, o.heads, {&o.pruned_heads}}};
  }
  if (auto* bert = dynamic_cast<BertTaskModelImpl*>(&model)) {
    auto& o = bert->bert->options;
    return {{"",
             bert->bert->blocks,
             false,
             o.heads,
             {&o.pruned_heads, &bert->options.bert.pruned_heads}}};
  }
  if (auto* pair = dynamic_cast<TransformerImpl*>(&model)) {
    auto& o = pair->options;
    return {{"encoder", pair->encoder, false, o.heads, {&o.pruned_heads}},
            {"decoder", pair->decoder, false, o.decoder_heads, {&o.decoder_pruned_heads}},
            {"cross", pair->decoder, true, o.decoder_heads, {&o.cross_pruned_heads}}};
  }
  if (auto* vit = dynamic_cast<VitImpl*>(&model)) {
    auto& o = vit->options;
    return {{"", vit->blocks, false, o.heads, {&o.pruned_heads}}};
  }
  if (auto* cct = dynamic_cast<CctImpl*>(&model)) {
    auto& o = cct->options;
    return {{"", cct->blocks, false, o.heads, {&o.pruned_heads}}};
  }
  std::vector<Stack> towers;
  if (auto* clip = dynamic_cast<ClipImpl*>(&model)) {
    auto& o = clip->options;
    if (clip->image) {
      auto& own = clip->image->options;
      towers.push_back({"image",
                        clip->image->blocks,
                        false,
                        own.heads,
                        {&own.pruned_heads, &o.image.pruned_heads}});
    }
    if (clip->text) {
      auto& own = clip->text->options;
      towers.push_back({"text",
                        clip->text->blocks,
                        false,
                        own.heads,
                        {&own.pruned_heads, &o.text.pruned_heads}});
    }
  }
  if (towers.empty()) throw std::runtime_error("this kind of model has no attention heads");
  return towers;
}

void require_removable_heads(const torch::nn::ModuleList& blocks) {
  require_softmax_attention(blocks);
  for (size_t n = 0; n < blocks->size(); ++n) {
    if (!blocks->ptr(n)->as<BlockImpl>()->attention->latent) continue;
    throw std::runtime_error(fmt::format(
        "layer {} has latent attention, whose heads share what they read and cannot be taken out",
        n));
  }
}

std::vector<Stack> stacks_of(torch::nn::Module& model) {
  auto stacks = all_stacks(model);
  for (const Stack& stack : stacks)
    if (!stack.cross) require_removable_heads(stack.blocks);
  return stacks;
}

MultiHeadAttentionImpl& layer_of(const Stack& stack, int64_t n) {
  auto& block = *stack.blocks->ptr(static_cast<size_t>(n))->as<BlockImpl>();
  return stack.cross ? *block.cross_attention : *block.attention;
}

/// What each stack loses; "encoder.0:1" stands under "encoder" as "0:1".
std::map<std::string, std::string> by_stack(const std::vector<Stack>& stacks,
                                            std::string_view heads) {
  std::vector<std::string> names;
  for (const auto& stack : stacks) names.push_back(stack.name);
  std::map<std::string, std::string> parts;
  while (true) {
    heads.remove_prefix(std::min(heads.find_first_not_of(' '), heads.size()));
    if (heads.empty()) return parts;
    const std::string word(heads.substr(0, heads.find(' ')));
    heads.remove_prefix(word.size());
    const size_t dot = word.find('.');
    const std::string name = dot == std::string::npos ? "" : word.substr(0, dot);
    if (std::ranges::find(names, name) == names.end()) {
      throw std::invalid_argument(
          names.front().empty()
              ? fmt::format("'{}': this model has one stack; write LAYER:HEAD,HEAD", word)
              : fmt::format("'{}' names no stack of this model; write {}.LAYER:HEAD,HEAD", word,
                            fmt::join(names, ".LAYER:HEAD,HEAD or ")));
    }
    auto& part = parts[name];
    part += (part.empty() ? "" : " ") + (dot == std::string::npos ? word : word.substr(dot + 1));
  }
}

void check_removal(const Stack& stack, const HeadsByLayer& heads) {
  const auto layers = static_cast<int64_t>(stack.blocks->size());
  const std::string at = stack.name + (stack.name.empty() ? "" : ".");
  for (const auto& [layer, numbers] : heads) {
    if (layer >= layers)
      throw std::invalid_argument(fmt::format(
          "there is no layer {0}{1}; the layers are {0}0 to {0}{2}", at, layer, layers - 1));
    const auto& o = layer_of(stack, layer).options;
    try {
      heads_left({o.heads, o.kv_heads}, numbers);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(fmt::format("layer {}{}: {}", at, layer, error.what()));
    }
  }
}

void remove_from(const Stack& stack, const HeadsByLayer& heads) {
  HeadsByLayer missing = parse_heads(*stack.pruned.front());
  for (const auto& [layer, numbers] : heads) {
    auto& attention = layer_of(stack, layer);
    remove_heads(attention, numbers);
    auto& block = *stack.blocks->ptr(static_cast<size_t>(layer))->as<BlockImpl>();
    (stack.cross ? *block.options.cross_attention : block.options.attention) = attention.options;
    missing[layer] = also_removed(missing[layer], numbers, stack.heads);
  }
  for (std::string* text : stack.pruned) *text = heads_text(missing);
}

/// Some layouts have a key for the width of heads, as Llama's: where all layers are left with
/// equally many, they can say that there are fewer, and Python opens the folder as it is.
/// transformers insists that their number divides d_model.
void settle(GptImpl& model) {
  const Stack stack = stacks_of(model).front();
  const auto& first = layer_of(stack, 0).options;
  for (int64_t n = 1; n < model.options.layers; ++n) {
    const auto& layer = layer_of(stack, n).options;
    if (layer.heads != first.heads || layer.kv_heads != first.kv_heads) return;
  }
  GptOptions o = model.options;
  o.heads = first.heads;
  o.kv_heads = first.kv_heads;
  o.pruned_heads.clear();
  if (o.heads == 1) o.head_dropout = o.head_diversity = 0.0;  // there is no other head
  if (layout_of(o) != GptLayout::kZoo && o.d_model % o.heads == 0) model.options = o;
}

}  // namespace

void remove_heads(torch::nn::Module& model, std::string_view heads) {
  const auto stacks = stacks_of(model);
  std::vector<std::pair<Stack, HeadsByLayer>> removals;
  const auto parts = by_stack(stacks, heads);
  for (const auto& stack : stacks)
    if (const auto part = parts.find(stack.name); part != parts.end())
      removals.emplace_back(stack, parse_heads(part->second));
  for (const auto& [stack, numbers] : removals) check_removal(stack, numbers);
  for (const auto& [stack, numbers] : removals) remove_from(stack, numbers);
  if (auto* gpt = dynamic_cast<GptImpl*>(&model); gpt != nullptr && !removals.empty()) settle(*gpt);
}

std::vector<PrunableStack> prunable_stacks(torch::nn::Module& model) {
  std::vector<PrunableStack> result;
  for (const auto& stack : stacks_of(model)) {
    auto& shown = result.emplace_back(PrunableStack{.name = stack.name});
    for (size_t n = 0; n < stack.blocks->size(); ++n)
      shown.layers.push_back(&layer_of(stack, static_cast<int64_t>(n)));
  }
  return result;
}

namespace {

/// Heads that go together: those of one key-value head.
struct HeadGroup {
  size_t stack = 0;
  int64_t layer = 0;
  std::vector<int64_t> heads = {};
  double importance = 0;
};

std::vector<HeadGroup> groups_of(size_t stack, int64_t layer, const MultiHeadAttentionOptions& o,
                                 const torch::Tensor& importance) {
  std::vector<HeadGroup> groups;
  for (int64_t head = 0; head < o.heads; ++head) {
    if (head % (o.heads / o.kv_heads) == 0) groups.push_back({.stack = stack, .layer = layer});
    groups.back().heads.push_back(head);
    groups.back().importance += importance[head].item<double>();
  }
  return groups;
}

}  // namespace

std::string least_important_heads(torch::nn::Module& model,
                                  const std::vector<NamedAttention>& layers,
                                  const torch::Tensor& importance, double keep) {
  const auto stacks = prunable_stacks(model);
  std::vector<HeadGroup> groups;
  std::map<std::pair<size_t, int64_t>, size_t> left;  // groups of a layer
  int64_t total = 0;
  for (size_t stack = 0; stack < stacks.size(); ++stack) {
    for (int64_t n = 0; n < std::ssize(stacks[stack].layers); ++n) {
      const auto* const layer = stacks[stack].layers[static_cast<size_t>(n)];
      const auto row = std::ranges::find(layers, layer, &NamedAttention::layer) - layers.begin();
      const auto own = groups_of(stack, n, layer->options, importance[row]);
      groups.insert(groups.end(), own.begin(), own.end());
      left[{stack, n}] = own.size();
      total += layer->options.heads;
    }
  }
  std::ranges::stable_sort(groups, {}, &HeadGroup::importance);
  const double wanted = keep * static_cast<double>(total);
  std::vector<HeadsByLayer> removed(stacks.size());
  for (const auto& group : groups) {
    auto& others = left[{group.stack, group.layer}];
    const auto size = std::ssize(group.heads);
    if (others == 1 || static_cast<double>(total - size) < wanted - 1e-9) continue;
    auto& heads = removed[group.stack][group.layer];
    heads.insert(heads.end(), group.heads.begin(), group.heads.end());
    std::ranges::sort(heads);
    total -= size;
    --others;
  }
  std::string text;
  for (size_t stack = 0; stack < stacks.size(); ++stack) {
    const std::string name = stacks[stack].name + (stacks[stack].name.empty() ? "" : ".");
    for (const auto& [layer, heads] : removed[stack])
      text += (text.empty() ? "" : " ") + name + heads_text({{layer, heads}});
  }
  return text;
}

}  // namespace zoo
