#include "models/pretrained/gpt/layouts/separate_heads.h"

#include "models/layers/pruned_heads.h"

namespace zoo {
namespace {

/// `layer`: its number, or {} for all.
void add_heads_of(NameMap& map, const std::string& layer, const std::string& theirs,
                  const std::string& out, const MultiHeadAttentionOptions& o) {
  const std::string ours = "blocks." + layer + ".attention.";
  const int64_t q_rows = o.heads * o.head_width, kv_rows = o.kv_heads * o.head_width;
  add_layer(map, {.ours = ours + "in_proj",
                  .theirs = {theirs + "q_proj", theirs + "k_proj", theirs + "v_proj"},
                  .rows = {q_rows, kv_rows, kv_rows}});
  add_layer(map, {.ours = ours + "out_proj", .theirs = {theirs + out}});
}

}  // namespace

void add_separate_heads(NameMap& map, const GptOptions& options, const std::string& attention,
                        const std::string& out) {
  GptOptions o = options;
  const auto pruned = parse_heads(o.pruned_heads);
  for (const auto& [n, heads] : pruned) {  // before the row of all layers
    std::string theirs = attention;
    theirs.replace(theirs.find("{}"), 2, std::to_string(n));
    add_heads_of(map, std::to_string(n), theirs, out, block_options(o, n).attention);
  }
  o.pruned_heads.clear();
  add_heads_of(map, "{}", attention, out, block_options(o, 0).attention);
}

}  // namespace zoo
