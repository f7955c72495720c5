// The Oniguruma library (BSD licence), for expressions that the matcher of regex.h does not
// support: backreferences, \X, \R, \K, lookbehind of several lengths, options and so on. The
// `tokenizers` package uses it as well. Its Unicode tables depend on its version, so sets of
// characters in an expression are replaced by ours (unicode_classes.h, unicode_properties.h). Part
// of regex.h.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "tokenizers/text/aligned_text.h"

namespace zoo::regex {

/// Thread-safe.
class LibraryPattern {
 public:
  /// Throws std::runtime_error with a one-line message for anything that the library does not
  /// support, for callouts, and for options that change the meaning of \w and similar classes.
  explicit LibraryPattern(std::string_view pattern);
  ~LibraryPattern();
  LibraryPattern(const LibraryPattern&) = delete;
  LibraryPattern& operator=(const LibraryPattern&) = delete;

  /// Finds the first match at `from` or later. Throws std::runtime_error if the search takes too
  /// many steps. `text` must be valid UTF-8.
  bool search(std::string_view text, size_t from, Span& match) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
  size_t size_;
};

/// The expression with each set of characters spelled out: \p{Thai}+ becomes [\x{e01}-...]+.
std::string with_sets_written_out(std::string_view pattern);

}  // namespace zoo::regex
