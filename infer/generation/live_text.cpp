// Several growing texts on one output, one after the other.
#include "infer/generation/live_text.h"

namespace zoo {

void LiveText::begin(size_t texts) {
  texts_.assign(texts, {});
  current_ = 0;
}

void LiveText::print(std::string_view part) {
  if (!line_open_) {
    if (anything_printed_ && separate_) out_ << "---------------\n";
    line_open_ = anything_printed_ = true;
  }
  out_ << part << std::flush;
}

void LiveText::add(size_t text, std::string_view part) {
  if (part.empty()) return;
  if (text == current_) {
    print(part);
  } else {
    texts_[text].held += part;
  }
}

void LiveText::end(size_t text) {
  texts_[text].ended = true;
  if (text == current_) move_on();
}

void LiveText::move_on() {
  while (current_ < texts_.size() && texts_[current_].ended) {
    print("\n");
    line_open_ = false;
    if (++current_ < texts_.size() && !texts_[current_].held.empty()) print(texts_[current_].held);
  }
}

}  // namespace zoo
