// The Oniguruma library (BSD licence), for expressions that the matcher of regex.h does not know:
// backreferences, \X, \R, \K, lookbehind of several lengths, options and the like. The
// `tokenizers` package runs on it, too. Its tables are those of its version: wherever an expression
// names a set of characters, ours (unicode_classes.h, unicode_properties.h) are written into it.
// Part of regex.h.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "tokenizers/text/aligned_text.h"

namespace zoo::regex {

/// Safe to use from several threads at once.
class LibraryPattern {
 public:
  /// Throws std::runtime_error, one line, for what the library does not know, for callouts, and for
  /// options that change what \w and its like are.
  explicit LibraryPattern(std::string_view pattern);
  ~LibraryPattern();
  LibraryPattern(const LibraryPattern&) = delete;
  LibraryPattern& operator=(const LibraryPattern&) = delete;

  /// The first match that begins at `from` or later. Throws std::runtime_error where the search
  /// takes too many steps. `text` is valid UTF-8.
  bool search(std::string_view text, size_t from, Span& match) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
  size_t size_;
};

/// The expression with each set of characters written out: \p{Thai}+ as [\x{e01}-...]+.
std::string with_sets_written_out(std::string_view pattern);

}  // namespace zoo::regex
