#include "infer/analysis/influence_examples.h"

#include <fmt/format.h>
#include <torch/nn/functional/loss.h>

#include <stdexcept>

#include "base/usage_error.h"
#include "infer/analysis/head_examples.h"
#include "infer/text/classifier.h"
#include "infer/text_model.h"
#include "models/bert/bert_task.h"
#include "models/pretrained/bert/bert_checkpoint.h"
#include "train/data/classifier_examples.h"
#include "train/data/text_lines.h"

namespace zoo {
namespace {

namespace F = torch::nn::functional;

InfluenceExamples of_gpt(GptImpl& model, const OpenedInput& opened, const ExampleFile& file,
                         const std::optional<std::string>& label) {
  if (label)
    throw UsageError("--label is a class, and a GPT has none; leave it out, or give --method head");
  if (opened.text.ids.size() < 2)
    throw std::runtime_error("--text has 1 token, too few for a loss; give a longer text");
  InfluenceExamples examples{.asked = "loss of the text's next tokens"};
  examples.test = next_token_loss(model, opened.text.ids);
  size_t number = 0;
  for (const auto& line : read_text_lines(file.data)) {
    ++number;
    if (is_blank(line)) continue;
    auto row = text_row(*opened.tokenizer, {.a = line}, model.options.context);
    if (row.ids.size() < 2)
      fail_at_line(file.data, number, "one token, too few for a loss; leave the line out");
    check_token_rows(row.ids, model.options.vocab_size, *opened.tokenizer);
    examples.training.push_back(next_token_loss(model, {row.ids.begin(), row.ids.end()}));
    examples.texts.push_back(line);
  }
  if (examples.texts.empty())
    throw std::runtime_error(file.data.string() + " has no lines: no training examples");
  return examples;
}

InfluenceExamples of_classifier(const OpenedInput& opened, const ExampleFile& file,
                                const std::optional<std::string>& label) {
  auto model = BertTaskModel(std::dynamic_pointer_cast<BertTaskModelImpl>(opened.model));
  const auto names = LabelNames::in_order(read_bert_config(file.model).labels);
  const auto loss_of = [&](const ClassifierRow& row, int64_t wanted) {
    const auto batch = collate_rows({row}, std::vector<int64_t>{0}, 0);
    return [model, batch, wanted]() mutable {
      const auto logits = classify_batch(model, batch);  // [1, K]
      return F::cross_entropy(logits,
                              torch::full({1}, wanted, logits.options().dtype(torch::kLong)));
    };
  };
  const ClassifierRow input{.ids = {opened.text.ids.begin(), opened.text.ids.end()},
                            .segments = {opened.text.segments.begin(), opened.text.segments.end()}};
  int64_t wanted = 0;
  if (label) {
    wanted = names.id_of(*label, "--label");
  } else {
    const torch::NoGradGuard no_grad;
    wanted = classify_batch(model, collate_rows({input}, std::vector<int64_t>{0}, 0))
                 .argmax(-1)
                 .item<int64_t>();
  }
  InfluenceExamples examples{
      .asked = fmt::format("loss of the label '{}'", names.names()[static_cast<size_t>(wanted)])};
  examples.test = loss_of(input, wanted);
  const auto texts = read_labelled_text(file.data);
  const auto encoded = encode_texts(texts, names, *opened.tokenizer, model->options.bert.context,
                                    file.data.string());
  for (size_t i = 0; i < texts.size(); ++i) {
    check_token_rows(encoded.rows[i].ids, model->options.bert.vocab_size, *opened.tokenizer);
    examples.training.push_back(loss_of(encoded.rows[i], encoded.classes[i][0]));
    examples.texts.push_back(texts[i].label + ": " + texts[i].a +
                             (texts[i].b ? " | " + *texts[i].b : ""));
  }
  return examples;
}

}  // namespace

InfluenceExamples influence_examples(const OpenedInput& opened, const ExampleFile& file,
                                     const std::optional<std::string>& label) {
  InfluenceExamples examples;
  if (auto* gpt = opened.as<GptImpl>()) {
    examples = of_gpt(*gpt, opened, file, label);
  } else if (const auto* bert = opened.as<BertTaskModelImpl>();
             bert != nullptr && bert->options.task == BertTask::kClassifyText) {
    examples = of_classifier(opened, file, label);
  } else {
    throw std::runtime_error(
        "influence by gradients needs a loss: a GPT, or a BERT that classifies texts (fine-tune it "
        "with train_bert --objective classify-text); this model is neither, --method head may do");
  }
  examples.weights = opened.model->parameters();
  return examples;
}

}  // namespace zoo
