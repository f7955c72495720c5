#include "train/data/labelled_text.h"

#include <fmt/format.h>

#include <stdexcept>
#include <string_view>

#include "train/data/text_lines.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

LabelledText labelled_text(const fs::path& file, size_t number, std::string_view line) {
  const auto columns = columns_of(line, "\t");
  if (columns.size() < 2 || columns.size() > 3) {
    fail_at_line(file, number,
                 fmt::format("{} columns; expected label<TAB>text, or label<TAB>text<TAB>text",
                             columns.size()));
  }
  if (is_blank(columns[0])) fail_at_line(file, number, "the label, the first column, is empty");
  for (size_t i = 1; i < columns.size(); ++i)
    if (is_blank(columns[i])) fail_at_line(file, number, "the text is empty; leave the line out");
  LabelledText text{.label = std::string(columns[0]), .a = std::string(columns[1])};
  if (columns.size() == 3) text.b = columns[2];
  return text;
}

}  // namespace

std::vector<LabelledText> read_labelled_text(const fs::path& file) {
  std::vector<LabelledText> texts;
  size_t number = 0;
  for (const auto& line : read_text_lines(file)) {
    ++number;
    if (line.empty()) continue;
    auto text = labelled_text(file, number, line);
    if (!texts.empty() && text.b.has_value() != texts.front().b.has_value()) {
      fail_at_line(file, number,
                   text.b ? "a pair of texts, but the lines before have one text each"
                          : "one text, but the lines before have two each");
    }
    texts.push_back(std::move(text));
  }
  if (texts.empty())
    throw std::runtime_error(file.string() + " has no texts: nothing to learn from");
  return texts;
}

std::vector<TaggedSentence> read_tagged_text(const fs::path& file) {
  std::vector<TaggedSentence> sentences;
  bool inside = false;
  size_t number = 0;
  for (const auto& line : read_text_lines(file)) {
    ++number;
    if (is_blank(line)) {
      inside = false;
      continue;
    }
    const auto columns = columns_of(line, "\t ");
    if (columns.size() != 2 || columns[0].empty() || columns[1].empty()) {
      fail_at_line(file, number,
                   "expected a word, one tab or space, and its tag; an empty line ends a sentence");
    }
    if (!inside) sentences.emplace_back();
    inside = true;
    sentences.back().words.emplace_back(columns[0]);
    sentences.back().tags.emplace_back(columns[1]);
  }
  if (sentences.empty())
    throw std::runtime_error(file.string() + " has no words: nothing to learn from");
  return sentences;
}

}  // namespace zoo
