// Encode, classify, sort.
#include "infer/text/classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <sstream>
#include <stdexcept>

#include "models/pretrained/bert/bert_checkpoint.h"

namespace zoo {

TextClassifier::TextClassifier(const std::filesystem::path& folder, torch::Device device,
                               const std::string& attention)
    : encoder_(load_text_encoder(folder, device, attention, BertTask::kClassifyText)),
      labels_(read_bert_config(folder).labels) {
  if (!encoder_.model->classifier) {
    throw std::runtime_error(fmt::format(
        "{}: a model without classifier; fine-tune it with train_bert --objective classify-text, "
        "or save it in Python as a ...ForSequenceClassification",
        folder.string()));
  }
  if (!of_words()) function_ = read_score_function(folder, encoder_.model->options.labels);
}

torch::Tensor classify_batch(BertTaskModel& model, const ClassifierBatch& batch) {
  const auto device = model->bert->token_embedding->weight.device();
  BertContext context{.args = {.key_lengths = batch.lengths.to(device)}};
  if (model->options.bert.segments > 1) context.segments = batch.segments.to(device);
  return model->class_logits(model->bert->forward(batch.tokens.to(device), context));
}

torch::Tensor TextClassifier::scores(const std::vector<ClassifierRow>& rows) {
  std::vector<int64_t> all(rows.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  for (const auto& row : rows) encoder_.check_ids(row.ids);
  const torch::NoGradGuard no_grad;
  const auto batch = collate_rows(rows, all, encoder_.tokenizer->pad_id().value_or(0));
  return scores_of(classify_batch(encoder_.model, batch), function_).cpu();  // [B, K] or [B, T, K]
}

std::vector<ScoredLabel> TextClassifier::best(const torch::Tensor& scores, int64_t top_n) const {
  const auto [values, classes] = scores.topk(std::min(top_n, scores.size(0)));  // [n]
  std::vector<ScoredLabel> labels;
  for (int64_t n = 0; n < values.size(0); ++n) {
    labels.push_back({.label = labels_[static_cast<size_t>(classes[n].item<int64_t>())],
                      .score = values[n].item<double>()});
  }
  return labels;
}

std::vector<std::vector<ScoredLabel>> TextClassifier::classify(const std::vector<TextPair>& texts,
                                                               int64_t top_n) {
  std::vector<std::vector<ScoredLabel>> result;
  constexpr size_t kBatch = 32;
  for (size_t begin = 0; begin < texts.size(); begin += kBatch) {
    std::vector<ClassifierRow> rows;
    for (size_t i = begin; i < std::min(texts.size(), begin + kBatch); ++i)
      rows.push_back(text_row(*encoder_.tokenizer, texts[i], encoder_.model->options.bert.context));
    for (const ClassifierRow& row : rows) {
      if (on_ids_) on_ids_(*encoder_.tokenizer, row.ids);
    }
    const auto of_texts = scores(rows);  // [B, K]
    for (int64_t b = 0; b < of_texts.size(0); ++b) result.push_back(best(of_texts[b], top_n));
  }
  return result;
}

std::vector<TaggedWord> TextClassifier::tag(const std::string& text, int64_t top_n) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) words.push_back(word);
  if (words.empty()) return {};
  const int64_t context = encoder_.model->options.bert.context;
  const ClassifierRow row = words_row(*encoder_.tokenizer, words, context);
  if (row.was_cut) {
    throw std::runtime_error(
        fmt::format("text: {} words are more than the model's context of {} tokens holds; give it "
                    "in parts",
                    words.size(), context));
  }
  if (on_ids_) on_ids_(*encoder_.tokenizer, row.ids);
  const auto of_tokens = scores({row})[0];  // [T, K]
  std::vector<TaggedWord> tagged;
  for (size_t i = 0; i < words.size(); ++i) {
    tagged.push_back({.word = words[i]});
    if (row.first_pieces[i] >= 0)
      tagged.back().labels = best(of_tokens[row.first_pieces[i]], top_n);
  }
  return tagged;
}

}  // namespace zoo
