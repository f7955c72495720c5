#include "tokenizers/text/aligned_text.h"

#include <algorithm>
#include <cstddef>

#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// First byte of the character that contains byte `at`; `at` itself if that byte is not valid
/// UTF-8.
size_t character_start(std::string_view text, size_t at) {
  constexpr size_t kMost = 3;  // continuation bytes of a character
  for (size_t back = 1; back <= std::min(kMost, at) && continues(text[at - back + 1]); ++back) {
    const utf8::Character c = utf8::first(text.substr(at - back));
    if (c.valid && c.size > back) return at - back;
  }
  return at;
}

/// [begin, end) extended to whole characters.
Span whole_characters(std::string_view text, size_t begin, size_t end) {
  if (end < text.size() && continues(text[end])) {
    const size_t last = character_start(text, end);
    if (last < end) end = last + utf8::first(text.substr(last)).size;
  }
  return {character_start(text, begin), end};
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

void AlignedText::map_ascii(const std::array<char, 128>& to) {
  for (char& byte : text_) {
    if (static_cast<unsigned char>(byte) < 128) byte = to[static_cast<unsigned char>(byte)];
  }
}

void AlignedText::Editor::copy_places(size_t begin, size_t end) {
  if (text_.spans_.empty()) {
    for (size_t i = begin; i < end; ++i) spans_.push_back(text_.origin(i, i + 1));
  } else {
    const auto old = text_.spans_.begin();
    spans_.insert(spans_.end(), old + static_cast<std::ptrdiff_t>(begin),
                  old + static_cast<std::ptrdiff_t>(end));
  }
}

void AlignedText::Editor::copy_kept() {
  if (copied_ == at_) return;
  if (made_.empty()) made_.reserve(text_.text_.size() + text_.text_.size() / 8);
  made_.append(text_.text_, copied_, at_ - copied_);
  if (moved_ && text_.tracked_) copy_places(copied_, at_);
  copied_ = at_;
}

void AlignedText::Editor::put(std::string_view characters, Span place) {
  if (!moved_ && text_.tracked_) {
    spans_.reserve(text_.text_.size() + text_.text_.size() / 8);
    copy_places(0, made_.size());
  }
  moved_ = true;
  made_ += characters;
  if (text_.tracked_) spans_.resize(made_.size(), place);
}

void AlignedText::Editor::skip(size_t size) {
  if (size == 0) return;
  copy_kept();
  put({}, {});
  copied_ = at_ += size;
}

void AlignedText::Editor::replace(size_t size, std::string_view with) {
  copy_kept();
  const size_t first = utf8::first(rest()).size;
  if (!moved_ && first == size && with.size() == size && utf8::first(with).size == size) {
    made_ += with;  // same sizes: spans do not change
  } else {
    put(with, text_.tracked_ ? text_.origin(at_, at_ + first) : Span{});
  }
  copied_ = at_ += size;
}

void AlignedText::Editor::insert(std::string_view characters) {
  copy_kept();
  const bool known = text_.tracked_ && at_ > 0;
  put(characters, known ? text_.origin(at_ - 1, at_) : Span{text_.begin_, text_.begin_});
}

void AlignedText::Editor::insert_before(std::string_view characters) {
  copy_kept();
  const size_t end = done() ? at_ : at_ + utf8::first(rest()).size;
  put(characters, text_.tracked_ ? text_.origin(at_, end) : Span{});
}

void AlignedText::Editor::finish() {
  at_ = text_.text_.size();
  if (!moved_ && copied_ == 0) return;
  copy_kept();
  text_.text_ = std::move(made_);
  if (moved_) text_.spans_ = std::move(spans_);
}

}  // namespace zoo
