// Options of what local layers see besides their window, for command lines, recipes and
// config.json's "zoo".
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "models/attention/block_layout.h"

namespace zoo {

struct SparseOptions {
  int64_t global_tokens =
      0;  ///< first tokens that a window hides from nobody, nor anything from them
  BlockPattern attention_blocks = BlockPattern::kNone;
  int64_t attention_block_size = 64;                                ///< tokens in a block
  int64_t window_blocks = 2, global_blocks = 1, random_blocks = 2;  ///< as BlockLayoutOptions
};

/// The fields except those in `skipped`, as in visit_stack().
template <class Visitor>
void visit_sparse(SparseOptions& o, std::initializer_list<std::string_view> skipped, Visitor&& v) {
  const auto field = [&](const char* name, auto& value, const char* help) {
    if (std::find(skipped.begin(), skipped.end(), name) == skipped.end()) v(name, value, help);
  };
  field("global-tokens", o.global_tokens, "First tokens that local layers see past their window");
  field("attention-blocks", o.attention_blocks, "Which blocks of tokens local layers see");
  field("attention-block-size", o.attention_block_size, "Tokens in such a block");
  field("window-blocks", o.window_blocks,
        "Blocks seen back, the own included; of strided and fixed the stride");
  field("global-blocks", o.global_blocks,
        "First blocks, or of fixed last of each stride, seen by all");
  field("random-blocks", o.random_blocks, "Earlier blocks that a block draws (bigbird)");
}

/// Throws OptionError for values that no model can have; window: of the local layers, 0: none.
void check(const SparseOptions& options, int64_t window);

/// Of local layer n (from 0): each layer draws its own random blocks.
BlockLayoutOptions layout_options(const SparseOptions& options, int64_t n);

}  // namespace zoo
