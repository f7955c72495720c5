// SentencePiece's first step (Kudo & Richardson 2018, arXiv:1808.06226, section 3.2): the text in
// the form of the pieces, and the origin of each byte.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/algorithms/piece_finder.h"
#include "tokenizers/sentencepiece/sentencepiece_model.h"
#include "tokenizers/stages/precompiled_charsmap.h"

namespace zoo {

constexpr std::string_view kMarkedSpace = "\xE2\x96\x81";  // U+2581, for a space in pieces

class SentencePieceNormalizer {
 public:
  /// Throws std::runtime_error if the model's rules are damaged.
  explicit SentencePieceNormalizer(const SentencePieceModel& model);

  /// As the model requires: applies its rules, removes spaces at the ends and collapses runs of
  /// them, adds a leading space, and writes spaces as U+2581. Invalid bytes become U+FFFD;
  /// user-defined pieces are unchanged. If `origins` is not null, it gets the byte of `text` that
  /// each output byte comes from, and one more entry for the end.
  std::string apply(std::string_view text, std::vector<size_t>* origins) const;

  /// User-defined pieces, which stay whole.
  const PieceFinder& user_defined() const { return user_defined_; }

 private:
  class Writer;
  /// The next rule match or character of `text`, and its replacement.
  PrecompiledCharsmap::Rule next(std::string_view text) const;
  PrecompiledCharsmap rules_;
  PieceFinder user_defined_;
  bool has_user_defined_ = false;
  bool adds_prefix_, collapses_, marks_;
};

}  // namespace zoo
