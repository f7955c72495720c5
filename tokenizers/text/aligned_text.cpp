#include "tokenizers/text/aligned_text.h"

#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// [begin, end) grown to whole characters.
Span whole_characters(std::string_view text, size_t begin, size_t end) {
  while (begin > 0 && begin < text.size() && continues(text[begin])) --begin;
  while (end < text.size() && end > begin && continues(text[end])) ++end;
  return {begin, end};
}

}  // namespace

AlignedText::AlignedText(std::string_view text, size_t begin, bool tracked)
    : text_(text), begin_(begin), tracked_(tracked) {}

Span AlignedText::origin(size_t begin, size_t end) const {
  if (begin == end) {
    const size_t at = spans_.empty() ? begin_ + begin : begin == 0 ? begin_ : spans_[begin - 1].end;
    return {at, at};
  }
  if (!spans_.empty()) return {spans_[begin].begin, spans_[end - 1].end};
  const Span span = whole_characters(text_, begin, end);
  return {begin_ + span.begin, begin_ + span.end};
}

AlignedText AlignedText::part(size_t begin, size_t end) const {
  AlignedText made(std::string_view(text_).substr(begin, end - begin), begin_ + begin, tracked_);
  if (spans_.empty()) return made;
  made.begin_ = origin(begin, end).begin;
  made.spans_.assign(spans_.begin() + static_cast<std::ptrdiff_t>(begin),
                     spans_.begin() + static_cast<std::ptrdiff_t>(end));
  return made;
}

AlignedText::Editor::Editor(AlignedText& text) : text_(text) {
  made_.reserve(text.text_.size() + text.text_.size() / 8);
  if (text.tracked_) spans_.reserve(made_.capacity());
}

std::string_view AlignedText::Editor::rest() const {
  return std::string_view(text_.text_).substr(at_);
}

void AlignedText::Editor::keep(size_t size) {
  made_.append(text_.text_, at_, size);
  if (text_.tracked_) {
    for (size_t i = at_; i < at_ + size; ++i) spans_.push_back(text_.origin(i, i + 1));
  }
  at_ += size;
}

void AlignedText::Editor::replace(size_t size, std::string_view with) {
  made_ += with;
  if (text_.tracked_ && size > 0) {
    const size_t first = utf8::first(rest()).size;
    spans_.resize(made_.size(), text_.origin(at_, at_ + first));
  } else if (text_.tracked_) {
    spans_.resize(made_.size(), spans_.empty() ? Span{text_.begin_, text_.begin_} : spans_.back());
  }
  at_ += size;
}

void AlignedText::Editor::insert(std::string_view characters) { replace(0, characters); }

void AlignedText::Editor::insert_before(std::string_view characters) {
  made_ += characters;
  if (!text_.tracked_) return;
  const size_t end = done() ? at_ : at_ + utf8::first(rest()).size;
  spans_.resize(made_.size(), text_.origin(at_, end));
}

void AlignedText::Editor::finish() {
  keep(text_.text_.size() - at_);
  text_.text_ = std::move(made_);
  text_.spans_ = std::move(spans_);
}

}  // namespace zoo
