#include "train/bert/bert_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <stdexcept>

#include "models/batching/random.h"
#include "train/data/text_corpus.h"
#include "train/objectives/masking.h"

namespace zoo {
namespace {

constexpr int64_t kShownSentences = 3;

Sentences first_of(const Sentences& sentences, int64_t begin, int64_t count) {
  Sentences first;
  for (int64_t i = begin; i < std::min(begin + count, sentences.size()); ++i) {
    first.ids.append(sentences.ids.at(i));
    first.words.append(sentences.words.at(i));
  }
  return first;
}

void collect_labels(const LabelledText& text, std::vector<std::string>& labels) {
  labels.push_back(text.label);
}
void collect_labels(const TaggedSentence& sentence, std::vector<std::string>& labels) {
  labels.insert(labels.end(), sentence.tags.begin(), sentence.tags.end());
}

/// Takes a share of the examples out of `texts`: files are often sorted by label, so not the last.
template <class Text>
std::vector<Text> hold_out(std::vector<Text>& texts, double share, uint64_t seed) {
  std::mt19937_64 random(seed);
  shuffle(texts, random);
  const auto measured = static_cast<size_t>(share * static_cast<double>(texts.size()));
  const auto border = texts.end() - static_cast<std::ptrdiff_t>(measured);
  std::vector<Text> held(std::make_move_iterator(border), std::make_move_iterator(texts.end()));
  texts.erase(border, texts.end());
  return held;
}

template <class Text>
LabelNames labels_of_texts(const std::vector<Text>& texts, const KnownLabels& known,
                           const std::string& source) {
  std::vector<std::string> found;
  for (const Text& text : texts) collect_labels(text, found);
  const LabelNames names(std::move(found));
  const LabelNames old = LabelNames::in_order(known.names);
  if (known.fixed || (!known.names.empty() && old.contains(names.names()))) return old;
  if (names.names().size() < 2) {
    throw std::runtime_error(
        fmt::format("{}: the only label is '{}'; there must be two or more to tell apart", source,
                    names.names().front()));
  }
  return names;
}

/// `read` reads a file, `encode` makes rows of its texts.
template <class Read, class Encode>
ClassifierData read_classes(const BertDataOptions& o, const Tokenizer& tokenizer,
                            const KnownLabels& known, Read read, Encode encode) {
  auto training = read(o.data);
  const bool own_file = !o.validation_data.empty();
  const LabelNames labels = labels_of_texts(training, known, o.data);
  const auto validation =
      own_file ? read(o.validation_data) : hold_out(training, o.validation_share, o.seed);
  ClassifierData data{.training = encode(training, labels, tokenizer, o.context, o.data),
                      .validation = encode(validation, labels, tokenizer, o.context,
                                           own_file ? o.validation_data : o.data),
                      .labels = labels.names()};
  const bool lacks_validation = o.validation_share > 0.0 && data.validation.size() == 0;
  if (data.training.size() == 0 || lacks_validation) {
    throw std::runtime_error(
        fmt::format("'{}' is too short: {} texts to train on and {} to measure with; use more{}",
                    o.data, data.training.size(), data.validation.size(),
                    lacks_validation ? ", or --validation-share 0" : ""));
  }
  return data;
}

}  // namespace

void check_roles(const Tokenizer& tokenizer) {
  MaskingVocabulary{tokenizer};
  if (tokenizer.cls_id() && tokenizer.sep_id() && tokenizer.pad_id()) return;
  throw std::runtime_error(fmt::format(
      "the {} tokenizer lacks one of the tokens that begin, end and fill a sequence ([CLS], [SEP], "
      "[PAD]); train one with --tokenizer wordpiece",
      tokenizer.kind()));
}

PreTrainingData read_pre_training_data(const BertDataOptions& o, const Tokenizer& tokenizer) {
  check_roles(tokenizer);
  const Sentences all = read_sentences(text_files(o.data), tokenizer);
  const auto measured = static_cast<int64_t>(o.validation_share * static_cast<double>(all.size()));
  const int64_t border = all.size() - measured;
  const PackingOptions packing{.context = o.context, .pairs = o.pairs, .seed = o.seed};
  PreTrainingData data{.training = pack_sentences(all, 0, border, tokenizer, packing),
                       .validation = pack_sentences(all, border, all.size(), tokenizer, packing),
                       .shown = first_of(all, border, kShownSentences)};
  const bool lacks_validation = o.validation_share > 0.0 && data.validation.size() == 0;
  if (data.training.size() == 0 || lacks_validation) {
    throw std::runtime_error(
        fmt::format("'{}' is too short: {} sentences are no sequence to {}; use a longer text{}",
                    o.data, data.training.size() == 0 ? border : measured,
                    data.training.size() == 0 ? "train on" : "measure with",
                    lacks_validation ? ", or --validation-share 0" : ""));
  }
  return data;
}

ClassifierData read_text_labels(const BertDataOptions& options, const Tokenizer& tokenizer,
                                const KnownLabels& known) {
  return read_classes(options, tokenizer, known, read_labelled_text, encode_texts);
}

ClassifierData read_word_labels(const BertDataOptions& options, const Tokenizer& tokenizer,
                                const KnownLabels& known) {
  return read_classes(options, tokenizer, known, read_tagged_text, encode_sentences);
}

std::string description_of(const SentenceExamples& examples) {
  return fmt::format("{} sequences, {} tokens", examples.size(), examples.ids.tokens());
}

std::string description_of(const ClassifierExamples& examples) {
  std::string text = fmt::format("{} texts, {} tokens", examples.size(), examples.tokens());
  if (const int64_t cut = examples.cut(); cut > 0)
    text += fmt::format("; {} cut at the context", cut);
  if (examples.without_labels > 0)
    text += fmt::format("; {} skipped, without a word to label", examples.without_labels);
  return text;
}

}  // namespace zoo
