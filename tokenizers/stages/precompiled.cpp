// A grapheme cluster of fewer than 6 bytes is looked up as a whole. If it has no rule, or is
// longer, each character is looked up by itself.
#include "tokenizers/stages/precompiled.h"

#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizers/stages/precompiled_charsmap.h"
#include "tokenizers/text/graphemes.h"
#include "tokenizers/text/normalization.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

std::vector<char32_t> characters_of(std::string_view text) {
  std::vector<char32_t> codes;
  while (!text.empty()) {
    const utf8::Character c = utf8::first(text);
    codes.push_back(c.code);
    text.remove_prefix(c.size);
  }
  return codes;
}

/// The new text, and how each character follows from the old text.
class Changes {
 public:
  void keep(char32_t code) { made_.push_back({code, 0}); }

  /// The characters of `with` replace those of `old` one by one. Additional ones are insertions;
  /// missing ones are drops, counted on the last new character, wherever it is. At the very start
  /// there is none to count them on: as in the reference, the positions of all that follows are
  /// then too early.
  void replace(std::string_view old, std::string_view with) {
    is_changed_ = true;
    const auto to = characters_of(with);
    const size_t olds = characters_of(old).size();
    for (size_t i = 0; i < to.size(); ++i) made_.push_back({to[i], i < olds ? 0 : 1});
    if (to.size() < olds && !made_.empty()) {
      made_.back().change -= static_cast<int>(olds - to.size());
    }
  }

  void apply_to(AlignedText& text) const {
    if (!is_changed_) return;
    AlignedText::Editor edit(text);
    for (const ChangedCharacter& character : made_) put(edit, character);
    edit.skip(edit.rest().size());
    edit.finish();
  }

 private:
  std::vector<ChangedCharacter> made_;
  bool is_changed_ = false;
};

class Precompiled : public Normalizer {
 public:
  explicit Precompiled(PrecompiledCharsmap charsmap) : charsmap_(std::move(charsmap)) {}

  void apply(AlignedText& text) const override {
    Changes changes;
    for (std::string_view rest = text.text(); !rest.empty();) {
      const std::string_view cluster = rest.substr(0, first_grapheme(rest));
      rest.remove_prefix(cluster.size());
      apply_to_cluster(cluster, changes);
    }
    changes.apply_to(text);
  }

 private:
  void apply_to_cluster(std::string_view cluster, Changes& changes) const {
    constexpr size_t kLong = 6;
    if (cluster.size() < kLong) {
      if (const auto found = charsmap_.replacement(cluster))
        return changes.replace(cluster, *found);
    }
    while (!cluster.empty()) {
      const utf8::Character c = utf8::first(cluster);
      const std::string_view part = cluster.substr(0, c.size);
      if (const auto found = charsmap_.replacement(part)) {
        changes.replace(part, *found);
      } else {
        changes.keep(c.code);
      }
      cluster.remove_prefix(c.size);
    }
  }

  PrecompiledCharsmap charsmap_;
};

}  // namespace

std::unique_ptr<Normalizer> make_precompiled_normalizer(std::string_view charsmap) {
  return std::make_unique<Precompiled>(PrecompiledCharsmap(charsmap));
}

}  // namespace zoo
