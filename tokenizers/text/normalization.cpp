// Decompose, order the marks, compose: UAX #15, section 1.3. Only parts that could change are
// decomposed; most text is copied.
#include "tokenizers/text/normalization.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "tokenizers/text/normalization_tables.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

struct Item {
  char32_t code;
  int32_t change;
  uint8_t order;
};

/// One normal form, applied to one text.
class Normalization {
 public:
  Normalization(AlignedText& text, NormalForm form)
      : text_(text),
        compatible_(form == NormalForm::kNfkd || form == NormalForm::kNfkc),
        composes_(form == NormalForm::kNfc || form == NormalForm::kNfkc) {}

  void run() {
    AlignedText::Editor edit(text_);
    while (!edit.done()) {
      edit.keep(settled(edit.rest()));
      const size_t size = unsettled(edit.rest());
      if (size == 0) continue;
      decompose(edit.rest().substr(0, size));
      sort_marks();
      if (composes_) compose();
      for (const Item& item : items_) put(edit, {item.code, item.change});
    }
    edit.finish();
  }

 private:
  /// A starter that does not change and that no character before it can change.
  bool is_settled(utf8::Character c) const {
    if (!c.valid) return true;
    const NormalizationTables::Properties& of = tables_[c.code];
    if (of.order != 0) return false;
    if (composes_) {
      return !of.is_second && !(compatible_ ? of.changes_kc : of.changes_c);
    }
    return of.canonical == 0 && (!compatible_ || of.compatible == 0) &&
           !hangul::is_syllable(c.code);
  }

  /// Length of the prefix that is already normalised. Its last settled character is left out if it
  /// could compose with what follows.
  size_t settled(std::string_view rest) const {
    size_t at = 0, last = 0;
    while (at < rest.size()) {
      const size_t ascii = utf8::ascii_prefix(rest.substr(at));
      if (ascii > 0) {
        last = at + ascii - 1;
        at += ascii;
        continue;
      }
      const utf8::Character c = utf8::first(rest.substr(at));
      if (!is_settled(c)) return composes_ ? last : at;
      last = c.valid ? at : at + c.size;
      at += c.size;
    }
    return at;
  }

  /// Length of the part before the next settled character.
  size_t unsettled(std::string_view rest) const {
    size_t at = 0;
    while (at < rest.size()) {
      const utf8::Character c = utf8::first(rest.substr(at));
      if (is_settled(c) && (at > 0 || !composes_)) break;
      at += c.size;
    }
    return at;
  }

  void decompose(std::string_view chunk) {
    items_.clear();
    while (!chunk.empty()) {
      const utf8::Character c = utf8::first(chunk);
      chunk.remove_prefix(c.size);
      const NormalizationTables::Properties& of = tables_[c.code];
      const uint16_t number = compatible_ && of.compatible != 0 ? of.compatible : of.canonical;
      if (hangul::is_syllable(c.code)) {
        decompose_syllable(c.code - hangul::kSyllable);
      } else if (number == 0) {
        items_.push_back({c.code, 0, of.order});
      } else {
        int32_t change = 0;
        for (const char32_t part : tables_.sequence(number)) {
          items_.push_back({part, change, tables_[part].order});
          change = 1;
        }
      }
    }
  }

  void decompose_syllable(char32_t index) {
    using namespace hangul;
    items_.push_back({kLead + index / (kVowels * kTails), 0, 0});
    items_.push_back({kVowel + index / kTails % kVowels, 1, 0});
    if (index % kTails != 0) items_.push_back({kTail + index % kTails, 1, 0});
  }

  void sort_marks() {
    const auto is_mark = [](const Item& item) { return item.order != 0; };
    const auto is_starter = [](const Item& item) { return item.order == 0; };
    const auto by_order = [](const Item& a, const Item& b) { return a.order < b.order; };
    for (auto begin = items_.begin(); begin != items_.end();) {
      begin = std::find_if(begin, items_.end(), is_mark);
      const auto end = std::find_if(begin, items_.end(), is_starter);
      if (!std::is_sorted(begin, end, by_order)) std::stable_sort(begin, end, by_order);
      begin = end;
    }
  }

  /// A mark composes with the last starter unless a mark of the same or a higher class is in
  /// between.
  void compose() {
    size_t kept = 0, starter = 0;
    int blocking = -1;  // order of the last item after the starter; -1: none
    bool has_starter = false;
    for (const Item item : items_) {
      if (has_starter && blocking < item.order) {
        if (const char32_t composed = tables_.compose(items_[starter].code, item.code)) {
          items_[starter].code = composed;
          items_[starter].change += item.change - 1;
          continue;
        }
      }
      blocking = item.order;
      if (item.order == 0) {
        has_starter = true;
        starter = kept;
        blocking = -1;
      }
      items_[kept++] = item;
    }
    items_.resize(kept);
  }

  const NormalizationTables& tables_ = normalization_tables();
  AlignedText& text_;
  bool compatible_, composes_;
  std::vector<Item> items_;
};

std::array<char, 128> ascii_lower() {
  std::array<char, 128> to;
  for (size_t c = 0; c < to.size(); ++c) {
    to[c] = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return to;
}

}  // namespace

void put(AlignedText::Editor& edit, ChangedCharacter character) {
  const std::string bytes = utf8::encode(character.code);
  if (character.change > 0) return edit.insert(bytes);
  const std::string_view rest = edit.rest();
  if (character.change == 0 && rest.starts_with(bytes)) return edit.keep(bytes.size());
  size_t size = 0;
  for (int taken = character.change; taken <= 0 && size < rest.size(); ++taken) {
    size += utf8::first(rest.substr(size)).size;
  }
  if (size == 0) return edit.insert(bytes);
  edit.replace(size, bytes);
}

void normalize(AlignedText& text, NormalForm form) { Normalization(text, form).run(); }

void lowercase(AlignedText& text) {
  static const std::array<char, 128> kAsciiLower = ascii_lower();
  text.map_ascii(kAsciiLower);
  const NormalizationTables& tables = normalization_tables();
  AlignedText::Editor edit(text);
  while (!edit.done()) {
    edit.keep(utf8::ascii_prefix(edit.rest()));
    if (edit.done()) break;
    const utf8::Character c = utf8::first(edit.rest());
    const uint16_t lower = c.valid ? tables[c.code].lower : 0;
    if (lower == 0) {
      edit.keep(c.size);
      continue;
    }
    std::string with;
    for (const char32_t part : tables.sequence(lower)) with += utf8::encode(part);
    edit.replace(c.size, with);
  }
  edit.finish();
}

bool is_combining_mark(char32_t code) { return normalization_tables()[code].is_mark; }

void remove_characters(AlignedText& text, bool (*drops)(char32_t)) {
  std::array<bool, 128> stays;
  for (char32_t code = 0; code < stays.size(); ++code) stays[code] = !drops(code);
  AlignedText::Editor edit(text);
  while (!edit.done()) {
    const std::string_view rest = edit.rest();
    size_t at = 0;
    while (at < rest.size()) {
      const auto byte = static_cast<uint8_t>(rest[at]);
      if (byte >= stays.size() || !stays[byte]) break;
      ++at;
    }
    edit.keep(at);
    if (edit.done()) break;
    const utf8::Character c = utf8::first(edit.rest());
    if (c.valid && drops(c.code)) {
      edit.skip(c.size);
    } else {
      edit.keep(c.size);
    }
  }
  edit.finish();
}

void write_as_spaces(AlignedText& text, bool (*is_space)(char32_t)) {
  std::array<char, 128> ascii;
  for (size_t c = 0; c < ascii.size(); ++c) ascii[c] = is_space(c) ? ' ' : static_cast<char>(c);
  text.map_ascii(ascii);
  AlignedText::Editor edit(text);
  while (!edit.done()) {
    edit.keep(utf8::ascii_prefix(edit.rest()));
    if (edit.done()) break;
    const utf8::Character c = utf8::first(edit.rest());
    if (c.valid && is_space(c.code)) {
      edit.replace(c.size, " ");
    } else {
      edit.keep(c.size);
    }
  }
  edit.finish();
}

}  // namespace zoo
