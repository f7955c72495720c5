// Several tokenizers on one text: what a larger vocabulary buys, and what it costs.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace zoo {

struct TokenizerReport {
  std::string name;  ///< as the user called it
  std::string kind;
  int64_t vocab_size = 0;
  int64_t tokens = 0, unknown = 0;
  int64_t words = 0;  ///< stretches without whitespace
  int64_t bytes = 0;
  double seconds = 0;     ///< to encode the text once, on one thread: the median of several times
  bool lossless = false;  ///< decode gave the text back

  /// Fertility (Ács 2019; Rust et al. 2021, arXiv:2012.15613, section 3.1).
  double tokens_per_word() const { return ratio(tokens, words); }
  double bytes_per_token() const { return ratio(bytes, tokens); }
  double unknown_share() const { return ratio(unknown, tokens); }
  double megabytes_per_second() const {
    return seconds > 0 ? static_cast<double>(bytes) / seconds / 1e6 : 0;
  }

 private:
  static double ratio(int64_t a, int64_t b) {
    return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
  }
};

/// Encodes the text line by line. repeats: how often it is timed.
TokenizerReport measure_tokenizer(const Tokenizer& tokenizer, std::string name,
                                  std::string_view text, int repeats = 3);

/// A table for the terminal, in the order given.
std::string comparison_table(const std::vector<TokenizerReport>& reports);
/// One JSON object: {"text": {...}, "tokenizers": [...]}.
std::string comparison_json(const std::vector<TokenizerReport>& reports);
/// A page with the table, and bytes per token over the size of the vocabulary.
std::string comparison_page(const std::vector<TokenizerReport>& reports);

}  // namespace zoo
