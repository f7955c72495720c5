// The alignment of a translation to its source: the decoder's attention to the source, as a figure.
// Bahdanau et al. 2014 (arXiv:1409.0473), Figure 3.
#pragma once
#include <torch/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "app/figures/matrix_figure.h"

namespace zoo {

/// Made by Translator::align().
struct Alignment {
  std::vector<std::string> source = {},
                           target = {};  ///< labels of their tokens, end-of-text included
  torch::Tensor weights = {};            ///< [T, S] float on the CPU; every row sums to 1
};

/// A figure for a page: rows are the translation's tokens, columns the source's; the axes carry the
/// languages' names. The colour follows the square root of the weight, so that small weights are
/// visible.
std::string alignment_html(const Alignment& alignment, const std::string& source_language,
                           const std::string& target_language);

/// A self-contained page with one figure per translation.
std::string alignment_page(const std::vector<Alignment>& alignments,
                           const std::string& source_language, const std::string& target_language);

}  // namespace zoo
