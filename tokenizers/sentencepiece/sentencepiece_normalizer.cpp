#include "tokenizers/sentencepiece/sentencepiece_normalizer.h"

#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

PieceFinder find_user_defined(const SentencePieceModel& model) {
  std::vector<std::pair<std::string_view, int32_t>> found;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    if (model.pieces[id].type == SentencePieceModel::Type::kUserDefined) {
      found.emplace_back(model.pieces[id].text, static_cast<int32_t>(id));
    }
  }
  return PieceFinder(std::move(found));
}

}  // namespace

/// Writes text and, optionally, the position that each byte comes from.
class SentencePieceNormalizer::Writer {
 public:
  Writer(std::string_view space, std::vector<size_t>* origins) : space_(space), origins_(origins) {
    if (origins_) origins_->clear();
  }
  void reserve(size_t size) {
    out_.reserve(size);
    if (origins_) origins_->reserve(size + 1);
  }
  void add(std::string_view text, size_t from) {
    for (const char c : text) {
      if (c == ' ') {
        out_ += space_;
      } else {
        out_ += c;
      }
    }
    if (origins_) origins_->resize(out_.size(), from);
  }
  /// Removes trailing spaces; `from` becomes the position of the first one.
  void drop_spaces(size_t& from) {
    while (out_.ends_with(space_)) {
      out_.resize(out_.size() - space_.size());
      if (!origins_) continue;
      from = (*origins_)[out_.size()];
      origins_->resize(out_.size());
    }
  }
  std::string finish(size_t end) {
    if (origins_) origins_->push_back(end);
    return std::move(out_);
  }

 private:
  std::string_view space_;
  std::vector<size_t>* origins_;
  std::string out_;
};

SentencePieceNormalizer::SentencePieceNormalizer(const SentencePieceModel& model)
    : user_defined_(find_user_defined(model)),
      adds_prefix_(model.add_dummy_prefix),
      collapses_(model.remove_extra_whitespaces),
      marks_(model.escape_whitespaces) {
  if (!model.precompiled_charsmap.empty()) {
    rules_ = PrecompiledCharsmap(model.precompiled_charsmap);
  }
  for (const auto& piece : model.pieces) {
    has_user_defined_ |= piece.type == SentencePieceModel::Type::kUserDefined;
  }
}

PrecompiledCharsmap::Rule SentencePieceNormalizer::next(std::string_view text) const {
  if (has_user_defined_) {
    const size_t size = user_defined_.longest_prefix(text).second;
    if (size > 0) return {size, text.substr(0, size)};
  }
  const PrecompiledCharsmap::Rule rule = rules_.longest(text);
  if (rule.size > 0) return rule;
  const utf8::Character c = utf8::first(text);
  return {c.size, c.valid ? text.substr(0, c.size) : kReplacement};
}

std::string SentencePieceNormalizer::apply(std::string_view text,
                                           std::vector<size_t>* origins) const {
  Writer out(marks_ ? kMarkedSpace : " ", origins);
  size_t at = 0;
  while (collapses_ && at < text.size()) {  // leading spaces
    const PrecompiledCharsmap::Rule step = next(text.substr(at));
    if (step.replacement != " ") break;
    at += step.size;
  }
  if (at == text.size()) return out.finish(at);
  out.reserve(text.size() + text.size() / 2);
  if (adds_prefix_) out.add(" ", at);
  bool after_space = collapses_;
  while (at < text.size()) {
    auto [size, replacement] = next(text.substr(at));
    while (after_space && replacement.starts_with(' ')) replacement.remove_prefix(1);
    if (!replacement.empty()) {
      out.add(replacement, at);
      after_space = collapses_ && replacement.ends_with(' ');
    }
    at += size;
  }
  if (collapses_) out.drop_spaces(at);
  return out.finish(at);
}

}  // namespace zoo
