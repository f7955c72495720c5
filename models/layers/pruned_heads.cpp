// Which rows and columns of a layer's projections belong to which head, and a layer without some.
#include "models/layers/pruned_heads.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace zoo {
namespace {

bool contains(const std::vector<int64_t>& sorted, int64_t number) {
  return std::ranges::binary_search(sorted, number);
}

/// 0 .. count - 1 without those in `removed`, which is sorted.
std::vector<int64_t> without(const std::vector<int64_t>& removed, int64_t count) {
  std::vector<int64_t> kept;
  for (int64_t n = 0; n < count; ++n)
    if (!contains(removed, n)) kept.push_back(n);
  return kept;
}

/// Which of the position scheme's heads these heads of a layer are.
std::vector<int64_t> numbers_of(const MultiHeadAttentionOptions& layer,
                                std::vector<int64_t> heads) {
  if (layer.position_heads.empty()) return heads;
  for (int64_t& head : heads) head = layer.position_heads.at(static_cast<size_t>(head));
  return heads;
}

/// Appends the `width` numbers of each of `heads`, which begin at `first`.
void add_places(std::vector<int64_t>& places, const std::vector<int64_t>& heads, int64_t first,
                int64_t width) {
  for (const int64_t head : heads)
    for (int64_t n = 0; n < width; ++n) places.push_back(first + head * width + n);
}

/// A layer with some of another's outputs (dim 0) or inputs (dim 1).
torch::nn::Linear part_of(const torch::nn::Linear& whole, int64_t dim,
                          const std::vector<int64_t>& places) {
  const torch::NoGradGuard no_grad;
  const auto kept = torch::tensor(places, torch::kLong).to(whole->weight.device());
  const auto weight = whole->weight.index_select(dim, kept);  // [out, in]
  torch::nn::Linear part(
      torch::nn::LinearOptions(weight.size(1), weight.size(0)).bias(whole->options.bias()));
  part->to(weight.device(), weight.scalar_type());
  part->weight.copy_(weight).set_requires_grad(whole->weight.requires_grad());
  if (whole->options.bias()) {
    part->bias.copy_(dim == 0 ? whole->bias.index_select(0, kept) : whole->bias);
    part->bias.set_requires_grad(whole->bias.requires_grad());
  }
  part->train(whole->is_training());
  return part;
}

}  // namespace

void remove_heads(MultiHeadAttentionImpl& attention, const std::vector<int64_t>& heads) {
  auto& o = attention.options;
  const HeadCounts left = heads_left({o.heads, o.kv_heads}, heads);
  const auto queries = without(heads, o.heads);
  std::vector<int64_t> groups;  // key-value heads that somebody still reads
  for (const int64_t head : queries) groups.push_back(head / (o.heads / o.kv_heads));
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());

  std::vector<int64_t> rows, columns;  // of in_proj: queries, then keys, then values
  add_places(rows, queries, 0, o.head_width);
  add_places(rows, groups, o.heads * o.head_width, o.head_width);
  add_places(rows, groups, (o.heads + o.kv_heads) * o.head_width, o.head_width);
  add_places(columns, queries, 0, o.head_width);
  const auto in = part_of(attention.in_proj, 0, rows);
  const auto out = part_of(attention.out_proj, 1, columns);
  if (attention.distance_proj) {
    std::vector<int64_t> keys;
    add_places(keys, groups, 0, o.head_width);
    attention.distance_proj =
        attention.replace_module("distance_proj", part_of(attention.distance_proj, 0, keys));
  }
  attention.in_proj = attention.replace_module("in_proj", in);
  attention.out_proj = attention.replace_module("out_proj", out);
  o.position_heads = numbers_of(o, queries);
  o.heads = left.heads;
  o.kv_heads = left.kv_heads;
}

HeadCounts heads_left(HeadCounts whole, const std::vector<int64_t>& removed) {
  for (const int64_t head : removed) {
    if (head >= 0 && head < whole.heads) continue;
    throw std::invalid_argument(
        fmt::format("there is no head {}; the layer has heads 0 to {}", head, whole.heads - 1));
  }
  const int64_t group = whole.heads / whole.kv_heads;
  std::map<int64_t, int64_t> lost;  // heads, by group
  for (const int64_t head : removed) ++lost[head / group];
  HeadCounts left{.kv_heads = whole.kv_heads - std::ssize(lost)};  // groups that lose none
  int64_t each = left.kv_heads > 0 ? group : 0;                    // heads of a group that has any
  for (const auto& [number, count] : lost) {
    const int64_t stay = group - count;
    if (stay == 0) continue;
    if (each != 0 && stay != each) {
      throw std::invalid_argument(fmt::format(
          "groups of {} heads share keys and values: remove whole groups, or equally many heads of "
          "each (one would keep {}, another {})",
          group, each, stay));
    }
    each = stay;
    ++left.kv_heads;
  }
  left.heads = left.kv_heads * each;
  if (left.heads == 0)
    throw std::invalid_argument(
        fmt::format("all {} heads: at least one must stay in a layer", whole.heads));
  return left;
}

MultiHeadAttentionOptions without_heads(MultiHeadAttentionOptions whole, const HeadsByLayer& pruned,
                                        int64_t layer) {
  if (const auto found = pruned.find(layer); found != pruned.end()) {
    const HeadCounts left = heads_left({whole.heads, whole.kv_heads}, found->second);
    whole.position_heads = numbers_of(whole, without(found->second, whole.heads));
    whole.heads = left.heads;
    whole.kv_heads = left.kv_heads;
  }
  return whole;
}

void check_pruned_heads(const std::string& text, int64_t layers, HeadCounts whole) {
  for (const auto& [layer, heads] : parse_heads(text)) {
    if (layer >= layers)
      throw std::invalid_argument(
          fmt::format("there is no layer {}; the layers are 0 to {}", layer, layers - 1));
    try {
      heads_left(whole, heads);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(fmt::format("layer {}: {}", layer, error.what()));
    }
  }
}

std::vector<int64_t> also_removed(std::vector<int64_t> removed, const std::vector<int64_t>& more,
                                  int64_t heads) {
  const auto kept = without(removed, heads);
  for (const int64_t head : more) removed.push_back(kept.at(static_cast<size_t>(head)));
  std::ranges::sort(removed);
  return removed;
}

namespace {

[[noreturn]] void refuse_form(std::string_view text) {
  throw std::invalid_argument(fmt::format(
      "'{}' does not name heads; write LAYER:HEAD,HEAD with a space between layers: 0:1,3 2:0",
      text.substr(0, 60)));
}

/// A number from 0, at the begin of `text`, which then begins behind it.
int64_t take_number(std::string_view& text, std::string_view whole) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0 || text.front() == '-') refuse_form(whole);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

std::vector<int64_t> parse_list(std::string_view list, std::string_view word) {
  std::vector<int64_t> heads;
  while (true) {
    heads.push_back(take_number(list, word));
    if (list.empty()) break;
    if (list.front() != ',') refuse_form(word);
    list.remove_prefix(1);
  }
  std::ranges::sort(heads);
  if (const auto twice = std::ranges::adjacent_find(heads); twice != heads.end())
    throw std::invalid_argument(fmt::format("'{}' names head {} twice", word, *twice));
  return heads;
}

}  // namespace

HeadsByLayer parse_heads(std::string_view text) {
  HeadsByLayer heads;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return heads;
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    std::string_view rest = word;
    const int64_t layer = take_number(rest, word);
    if (!rest.starts_with(':')) refuse_form(word);
    if (!heads.try_emplace(layer, parse_list(rest.substr(1), word)).second)
      throw std::invalid_argument(fmt::format("layer {} comes twice; name its heads once", layer));
  }
}

std::string heads_text(const HeadsByLayer& heads) {
  std::string text;
  for (const auto& [layer, numbers] : heads) {
    if (numbers.empty()) continue;
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", layer, fmt::join(numbers, ","));
  }
  return text;
}

}  // namespace zoo
