// SentencePiece's first step (Kudo & Richardson 2018, arXiv:1808.06226, section 3.2): a text as its
// pieces spell it, and where each byte of it comes from.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/algorithms/piece_finder.h"
#include "tokenizers/sentencepiece/sentencepiece_model.h"
#include "tokenizers/stages/precompiled_charsmap.h"

namespace zoo {

constexpr std::string_view kMarkedSpace = "\xE2\x96\x81";  // U+2581: a space, in pieces

class SentencePieceNormalizer {
 public:
  /// Throws std::runtime_error where the model's rules are damaged.
  explicit SentencePieceNormalizer(const SentencePieceModel& model);

  /// The model's rules applied, spaces at the ends dropped and runs of them made one, a space put
  /// in front, spaces written as marks: each where the model asks for it. Invalid bytes become
  /// U+FFFD; pieces that the user defined stay as they are. origins, where not null, gets for each
  /// byte, and for the end, the byte of `text` that it comes from.
  std::string apply(std::string_view text, std::vector<size_t>* origins) const;

  /// Pieces that the user defined, which stay whole.
  const PieceFinder& user_defined() const { return user_defined_; }

 private:
  class Writer;
  /// The next character or more of `text`, and what to write for it.
  PrecompiledCharsmap::Rule next(std::string_view text) const;
  PrecompiledCharsmap rules_;
  PieceFinder user_defined_;
  bool has_user_defined_ = false;
  bool adds_prefix_, collapses_, marks_;
};

}  // namespace zoo
