#include "tokenizers/stages/bert_rules.h"

#include <cstdint>
#include <string_view>

#include "tokenizers/text/code_point_map.h"
#include "tokenizers/text/normalization.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

struct Range {
  char32_t first, last;
};
#include "tokenizers/stages/bert_rules_data.inc"

enum Trait : uint8_t {
  kIsControl = 1,
  kIsWhitespace = 2,
  kIsPunctuation = 4,
  kIsChinese = 8,
  kIsAccent = 16
};

class Traits {
 public:
  Traits() {
    add(kControl, kIsControl);
    add(kWhitespace, kIsWhitespace);
    add(kPunctuation, kIsPunctuation);
    add(kChinese, kIsChinese);
    add(kAccents, kIsAccent);
  }
  uint8_t operator[](char32_t code) const { return of_[code]; }

 private:
  template <size_t n>
  void add(const Range (&ranges)[n], Trait trait) {
    for (const Range& range : ranges) {
      for (char32_t code = range.first; code <= range.last; ++code) of_.at(code) |= trait;
    }
  }

  CodePointMap<uint8_t> of_;
};

const Traits& traits() {
  static const Traits made;
  return made;
}

class BertNormalizer : public Normalizer {
 public:
  explicit BertNormalizer(BertNormalizerOptions options) : options_(options) {}

  void apply(AlignedText& text) const override {
    if (options_.clean_text) {
      remove_characters(text, [](char32_t c) { return c == 0xFFFD || bert::is_control(c); });
      write_as_spaces(text, bert::is_whitespace);
    }
    if (options_.handle_chinese_chars) put_spaces_around_chinese(text);
    if (options_.strip_accents) {
      normalize(text, NormalForm::kNfd);
      remove_characters(text, bert::is_accent);
    }
    if (options_.lowercase) zoo::lowercase(text);
  }

 private:
  static void put_spaces_around_chinese(AlignedText& text) {
    AlignedText::Editor edit(text);
    while (!edit.done()) {
      edit.keep(utf8::ascii_prefix(edit.rest()));
      if (edit.done()) break;
      const utf8::Character c = utf8::first(edit.rest());
      if (!c.valid || !bert::is_chinese(c.code)) {
        edit.keep(c.size);
        continue;
      }
      edit.insert_before(" ");
      edit.keep(c.size);
      edit.insert(" ");
    }
    edit.finish();
  }

  BertNormalizerOptions options_;
};

class BertPreTokenizer : public PreTokenizer {
 public:
  void apply(PreTokens& pre) const override {
    const std::string_view text = pre.text.text();
    std::vector<Span> words;
    words.reserve(text.size() / 4);
    for (const Span& word : pre.words) split(text.substr(0, word.end), word.begin, words);
    pre.words = std::move(words);
  }

 private:
  static void split(std::string_view text, size_t begin, std::vector<Span>& words) {
    const Traits& of = traits();
    for (size_t at = begin; at < text.size();) {
      utf8::Character c{static_cast<uint8_t>(text[at]), 1, true};
      if (c.code >= 0x80) c = utf8::first(text.substr(at));
      const uint8_t ends = of[c.code] & (kIsWhitespace | kIsPunctuation);
      if (ends != 0) {
        if (begin < at) words.push_back({begin, at});
        begin = at + c.size;
        if (ends == kIsPunctuation) words.push_back({at, begin});
      }
      at += c.size;
    }
    if (begin < text.size()) words.push_back({begin, text.size()});
  }
};

}  // namespace

namespace bert {

bool is_whitespace(char32_t code) { return (traits()[code] & kIsWhitespace) != 0; }
bool is_control(char32_t code) { return (traits()[code] & kIsControl) != 0; }
bool is_punctuation(char32_t code) { return (traits()[code] & kIsPunctuation) != 0; }
bool is_chinese(char32_t code) { return (traits()[code] & kIsChinese) != 0; }
bool is_accent(char32_t code) { return (traits()[code] & kIsAccent) != 0; }

}  // namespace bert

std::unique_ptr<Normalizer> make_bert_normalizer(BertNormalizerOptions options) {
  return std::make_unique<BertNormalizer>(options);
}

std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer() {
  return std::make_unique<BertPreTokenizer>();
}

}  // namespace zoo
