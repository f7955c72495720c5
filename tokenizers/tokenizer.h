// The tokenizers' public header: the interface, and loading a tokenizer from a folder.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "base/note.h"
#include "tokenizers/core/tokenizer.h"

#include "base/note.h"

namespace zoo {

/// Whether a folder holds two tokenizers, for the source and for the target, as Marian's folders
/// do.
bool has_two_sides(const std::filesystem::path& folder);

struct LoadOptions {
  bool target = false;  ///< of a translation model with two vocabularies: the target's
  /// Receives warnings, such as a damaged file that was ignored; nullptr: none.
  std::function<void(std::string_view line)> note = zoo::note;
};

/// The folder's files decide which class loads; tokenizers/README.md documents the order. Throws
/// std::runtime_error, one line: the folder, what was found, what was expected.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder,
                                          const LoadOptions& options = {});

}  // namespace zoo
