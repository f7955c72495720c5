#include "tokenizers/stages/replace.h"

#include <string_view>
#include <utility>

#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

class ReplaceString : public Normalizer {
 public:
  ReplaceString(std::string pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}

  void apply(AlignedText& text) const override {
    if (text.text().empty()) return;
    AlignedText::Editor edit(text);
    for (;;) {
      const size_t at = edit.rest().find(pattern_);
      if (at == std::string_view::npos) break;
      edit.keep(at);
      edit.skip(pattern_.size());
      edit.insert(content_);
      if (!pattern_.empty()) continue;
      if (edit.done()) break;
      edit.keep(utf8::first(edit.rest()).size);
    }
    edit.finish();
  }

 private:
  std::string pattern_, content_;
};

class ReplaceRegex : public Normalizer {
 public:
  ReplaceRegex(Regex pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}

  void apply(AlignedText& text) const override {
    if (text.text().empty()) return;
    Regex::Matches matches(pattern_, text.text());
    AlignedText::Editor edit(text);
    size_t at = 0;
    for (Span match; matches.next(match); at = match.end) {
      edit.keep(match.begin - at);
      edit.skip(match.end - match.begin);
      edit.insert(content_);
    }
    edit.finish();
  }

 private:
  Regex pattern_;
  std::string content_;
};

}  // namespace

std::unique_ptr<Normalizer> make_replace_normalizer(std::string pattern, std::string content) {
  return std::make_unique<ReplaceString>(std::move(pattern), std::move(content));
}

std::unique_ptr<Normalizer> make_replace_normalizer(Regex pattern, std::string content) {
  return std::make_unique<ReplaceRegex>(std::move(pattern), std::move(content));
}

}  // namespace zoo
