// Heads that layers do without: removed for good, with their rows and columns of the projections
// (Michel et al. 2019, arXiv:1905.10650, §4). The model is smaller and faster; what it computes is
// what it computed with the outputs of these heads at zero.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "models/attention/multi_head_attention.h"

namespace zoo {

/// Heads of layers, both from 0; ascending, none twice, no empty list.
using HeadsByLayer = std::map<int64_t, std::vector<int64_t>>;

/// "0:1,3 2:0" is heads 1 and 3 of layer 0, and head 0 of layer 2. Throws std::invalid_argument,
/// one line: another form, a layer or a head that comes twice.
HeadsByLayer parse_heads(std::string_view text);
/// The reverse.
std::string heads_text(const HeadsByLayer& heads);

struct HeadCounts {
  int64_t heads = 0;     ///< H
  int64_t kv_heads = 0;  ///< Hkv; divides heads
};

/// What a layer has without these heads. Throws std::invalid_argument, one line: a head that it
/// does not have; no head left; groups of heads that share keys and values (Ainslie et al. 2023,
/// arXiv:2305.13245) of different sizes, which attention cannot compute. A group that loses all of
/// its heads loses its key-value head as well.
HeadCounts heads_left(HeadCounts whole, const std::vector<int64_t>& removed);

/// The options of a layer, made of those of one that lacks no head. Throws as heads_left().
MultiHeadAttentionOptions without_heads(MultiHeadAttentionOptions whole, const HeadsByLayer& pruned,
                                        int64_t layer);

/// Throws std::invalid_argument as above, and for a layer beyond `layers`.
void check_pruned_heads(const std::string& text, int64_t layers, HeadCounts whole);

/// `removed`, whose heads are counted as a layer of `heads` heads has them, and `more`, counted
/// among those that were left.
std::vector<int64_t> also_removed(std::vector<int64_t> removed, const std::vector<int64_t>& more,
                                  int64_t heads);

/// In place, gradients excepted. Throws as heads_left().
void remove_heads(MultiHeadAttentionImpl& attention, const std::vector<int64_t>& heads);

}  // namespace zoo
