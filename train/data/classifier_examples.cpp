#include "train/data/classifier_examples.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "base/interrupt.h"
#include "models/batching/padding.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

constexpr size_t kNamesShown = 12;

TextPair views_of(const LabelledText& text) {
  TextPair pair{.a = text.a};
  if (text.b) pair.b = *text.b;
  return pair;
}

}  // namespace

LabelNames::LabelNames(std::vector<std::string> names) : names_(std::move(names)) {
  std::sort(names_.begin(), names_.end());
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

LabelNames LabelNames::in_order(std::vector<std::string> names) {
  LabelNames labels;
  labels.names_ = std::move(names);
  return labels;
}

int64_t LabelNames::id_of(const std::string& name, const std::string& where) const {
  const auto found = std::ranges::find(names_, name);
  if (found != names_.end()) return found - names_.begin();
  const auto shown = std::span(names_).first(std::min(names_.size(), kNamesShown));
  throw std::runtime_error(fmt::format("{}: label '{}' is none of the {} to learn: {}{}", where,
                                       name, names_.size(), fmt::join(shown, ", "),
                                       shown.size() < names_.size() ? ", ..." : ""));
}

bool LabelNames::contains(const std::vector<std::string>& others) const {
  return std::ranges::all_of(
      others, [&](const auto& name) { return std::ranges::find(names_, name) != names_.end(); });
}

int64_t ClassifierExamples::tokens() const {
  int64_t sum = 0;
  for (const auto& row : rows) sum += std::ssize(row.ids);
  return sum;
}

int64_t ClassifierExamples::cut() const {
  return std::ranges::count_if(rows, [](const ClassifierRow& row) { return row.was_cut; });
}

std::vector<ExampleLengths> ClassifierExamples::lengths() const {
  std::vector<ExampleLengths> lengths;
  for (const auto& row : rows) lengths.push_back({std::ssize(row.ids), 0});
  return lengths;
}

ClassifierExamples encode_texts(const std::vector<LabelledText>& texts, const LabelNames& labels,
                                const Tokenizer& tokenizer, int64_t context,
                                const std::string& source) {
  ClassifierExamples examples;
  for (const auto& text : texts) {
    stop_if_interrupted("encoding the texts");
    examples.classes.push_back({labels.id_of(text.label, source)});
    examples.rows.push_back(text_row(tokenizer, views_of(text), context));
  }
  return examples;
}

ClassifierExamples encode_sentences(const std::vector<TaggedSentence>& sentences,
                                    const LabelNames& labels, const Tokenizer& tokenizer,
                                    int64_t context, const std::string& source) {
  ClassifierExamples examples;
  for (const auto& sentence : sentences) {
    stop_if_interrupted("encoding the sentences");
    ClassifierRow row = words_row(tokenizer, sentence.words, context);
    std::vector<int64_t> classes(row.ids.size(), kIgnored);
    for (size_t word = 0; word < sentence.words.size(); ++word) {
      const int64_t label = labels.id_of(sentence.tags[word], source), at = row.first_pieces[word];
      if (at >= 0) classes[static_cast<size_t>(at)] = label;
    }
    // A row without a class at any of its ids would be a batch without a loss.
    if (std::ranges::all_of(classes, [](int64_t c) { return c == kIgnored; })) {
      ++examples.without_labels;
      continue;
    }
    examples.rows.push_back(std::move(row));
    examples.classes.push_back(std::move(classes));
  }
  return examples;
}

torch::Tensor collate_classes(const ClassifierExamples& examples, std::span<const int64_t> indices,
                              bool of_words) {
  std::vector<std::span<const int64_t>> rows;
  for (const int64_t i : indices) rows.emplace_back(examples.classes[static_cast<size_t>(i)]);
  const auto classes = pad_rows(rows, {.filler = kIgnored, .width = 1});
  return of_words ? classes : classes.squeeze(1);  // [B, T], or [B, 1] -> [B]
}

}  // namespace zoo
