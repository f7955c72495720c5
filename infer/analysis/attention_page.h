// Attention as one page to explore, offline: choose map, layer and head, read the weights of a
// token, search a token, show only heads of one pattern.
#pragma once
#include <string>
#include <vector>

#include "infer/analysis/attention_maps.h"
#include "infer/analysis/head_patterns.h"

namespace zoo {

/// `heads`: of each map, from score_heads(). Throws std::runtime_error, one line, for more than a
/// page can show (check_page).
std::string attention_page(const std::string& title, const AttentionMaps& maps,
                           const std::vector<std::vector<HeadRow>>& heads);

/// Throws std::runtime_error for maps with more tokens on a side, or more weights together, than a
/// browser shows.
void check_page(const AttentionMaps& maps);

/// What the page's script and style are; attention_page_script.cpp, attention_page_style.cpp.
std::string_view attention_page_script();
std::string_view attention_page_style();

}  // namespace zoo
