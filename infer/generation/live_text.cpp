// Several growing texts on one output, one after the other.
#include "infer/generation/live_text.h"

namespace zoo {

void LiveText::begin(const std::vector<std::string>& headings) {
  texts_.clear();
  for (const auto& heading : headings) texts_.push_back({.heading = heading});
  current_ = 0;
}

void LiveText::print(std::string_view part) {
  if (!begun_ && !texts_[current_].heading.empty()) out_ << texts_[current_].heading << '\n';
  begun_ = true;
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
    begun_ = false;
    if (++current_ < texts_.size() && !texts_[current_].held.empty()) print(texts_[current_].held);
  }
}

}  // namespace zoo
