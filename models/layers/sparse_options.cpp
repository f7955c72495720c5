#include "models/layers/sparse_options.h"

#include "base/option_checks.h"
#include "base/option_limits.h"

namespace zoo {
namespace {

/// Without blocks their options would change nothing.
void check_no_blocks(const SparseOptions& o) {
  const SparseOptions usual;
  for (const auto& [option, value, unchanged] :
       {std::tuple("attention-block-size", o.attention_block_size, usual.attention_block_size),
        {"window-blocks", o.window_blocks, usual.window_blocks},
        {"global-blocks", o.global_blocks, usual.global_blocks},
        {"random-blocks", o.random_blocks, usual.random_blocks}}) {
    if (value != unchanged) {
      throw OptionError(
          fmt::format("{} needs {}", option_name(option), option_name("attention-blocks")));
    }
  }
}

}  // namespace

void check(const SparseOptions& o, int64_t window) {
  require_count("global-tokens", o.global_tokens, 0);
  require_option(o.global_tokens == 0 || window > 0, "global-tokens", o.global_tokens,
                 "0 without " + option_name("window"));
  require_count("attention-block-size", o.attention_block_size, 1);
  require_count("window-blocks", o.window_blocks, 1);
  require_count("global-blocks", o.global_blocks, 0);
  require_count("random-blocks", o.random_blocks, 0);
  require_option(o.attention_blocks != BlockPattern::kFixed || o.global_blocks <= o.window_blocks,
                 "global-blocks", o.global_blocks,
                 "at most " + option_name("window-blocks") + " with fixed");
  if (o.attention_blocks == BlockPattern::kNone) check_no_blocks(o);
}

BlockLayoutOptions layout_options(const SparseOptions& o, int64_t n) {
  return {.pattern = o.attention_blocks,
          .size = o.attention_block_size,
          .window_blocks = o.window_blocks,
          .global_blocks = o.global_blocks,
          .random_blocks = o.random_blocks,
          .seed = static_cast<uint64_t>(n)};
}

}  // namespace zoo
