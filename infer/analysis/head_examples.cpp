#include "infer/analysis/head_examples.h"

#include <fmt/format.h>
#include <torch/nn/functional/loss.h>

#include <stdexcept>

#include "models/bert/bert_task.h"
#include "models/layers/stack.h"

namespace zoo {
namespace {

namespace F = torch::nn::functional;

void add_layers(torch::nn::ModuleList blocks, const std::string& name, bool cross, HeadTask& task) {
  require_softmax_attention(blocks);
  for (size_t n = 0; n < blocks->size(); ++n) {
    auto& block = blocks->at<BlockImpl>(n);
    task.layers.push_back({fmt::format("{}{}", name, n), block.attention.get()});
    if (cross) task.layers.push_back({fmt::format("cross {}", n), block.cross_attention.get()});
  }
}

torch::Tensor batch_of_one(const std::vector<int64_t>& ids, torch::Device device) {
  return torch::tensor(ids, torch::kLong).unsqueeze(0).to(device);  // [1, T]
}

void require_tokens(size_t tokens, size_t fewest, const char* flag) {
  if (tokens >= fewest) return;
  throw std::runtime_error(
      fmt::format("--{} has {} token, too few for a loss; give a longer text", flag, tokens));
}

HeadTask next_tokens(GptImpl& model, const LabelledTokens& text) {
  require_tokens(text.ids.size(), 2, "text");
  HeadTask task{.loss = "loss of the text's next tokens"};
  add_layers(model.blocks, "layer ", false, task);
  task.examples.push_back(next_token_loss(model, text.ids));
  return task;
}

HeadTask masked_tokens(BertTaskModelImpl& model, const OpenedInput& opened) {
  const auto mask = opened.tokenizer->mask_id();
  if (!model.masked_lm || !mask) {
    throw std::runtime_error(
        "heads of an encoder are judged by the words it fills in, and this one has no head for "
        "masked words (or its tokenizer no mask); give a checkpoint ...ForMaskedLM, or a "
        "classifier");
  }
  HeadTask task{.loss = "loss of the text's tokens (each masked alone)"};
  add_layers(model.bert->blocks, "layer ", false, task);
  const auto device = model.bert->token_embedding->weight.device();
  const auto tokens = batch_of_one(opened.text.ids, device);
  const auto segments = batch_of_one(opened.text.segments, device);
  for (size_t n = 0; n < opened.text.ids.size(); ++n) {
    if (opened.tokenizer->is_special(static_cast<int32_t>(opened.text.ids[n]))) continue;
    const auto t = static_cast<int64_t>(n);
    auto hidden_word = tokens.clone();
    hidden_word[0][t] = *mask;
    task.examples.emplace_back([&model, hidden_word, segments, tokens, t] {
      BertContext context;
      if (model.options.bert.segments > 1) context.segments = segments;
      const auto hidden = model.bert->forward(hidden_word, context);  // [1, T, C]
      const auto logits = model.masked_lm_logits(hidden)[0].slice(0, t, t + 1);
      return F::cross_entropy(logits, tokens[0].slice(0, t, t + 1));
    });
  }
  require_tokens(task.examples.size(), 1, "text");
  return task;
}

/// Of the text, or of each of its tokens.
HeadTask own_labels(BertTaskModelImpl& model, const OpenedInput& opened) {
  HeadTask task{.loss = "loss of the labels that the whole model gives"};
  add_layers(model.bert->blocks, "layer ", false, task);
  const auto device = model.bert->token_embedding->weight.device();
  const auto tokens = batch_of_one(opened.text.ids, device);
  BertContext context;
  if (model.options.bert.segments > 1)
    context.segments = batch_of_one(opened.text.segments, device);
  const auto logits = [&model, tokens, context] {
    return model.class_logits(model.bert->forward(tokens, context)).flatten(0, -2);  // [N, K]
  };
  torch::Tensor gives;
  {
    const torch::NoGradGuard no_grad;
    gives = logits().argmax(-1);  // [N]
  }
  task.examples.emplace_back([logits, gives] { return F::cross_entropy(logits(), gives); });
  return task;
}

HeadTask target_tokens(TransformerImpl& model, const OpenedInput& opened) {
  require_tokens(opened.target.ids.size(), 2, "target");
  HeadTask task{.loss = "loss of the target's tokens"};
  add_layers(model.encoder, "encoder ", false, task);
  add_layers(model.decoder, "decoder ", true, task);
  task.examples.push_back(target_loss(model, opened.source.ids, opened.target.ids));
  return task;
}

HeadTask own_class(ImageClassifier& model, torch::nn::ModuleList blocks,
                   const torch::Tensor& pixels) {
  if (model.classes() == 0)
    throw std::runtime_error("this model of images has no classes, by which its heads are judged");
  HeadTask task{.loss = "loss of the class that the whole model says"};
  add_layers(blocks, "layer ", false, task);
  const auto on_device = pixels.to(model.parameters().front().device());
  torch::Tensor says;
  {
    const torch::NoGradGuard no_grad;
    says = model.forward(on_device).argmax(-1);  // [1]
  }
  task.examples.emplace_back(
      [&model, on_device, says] { return F::cross_entropy(model.forward(on_device), says); });
  return task;
}

}  // namespace

ExampleLoss next_token_loss(GptImpl& model, const std::vector<int64_t>& ids) {
  const auto tokens = batch_of_one(ids, model.token_embedding->weight.device());  // [1, T]
  return [&model, tokens] {
    const auto logits = model.forward(tokens.slice(1, 0, -1))[0];  // [T - 1, V]
    return F::cross_entropy(logits, tokens[0].slice(0, 1));
  };
}

ExampleLoss target_loss(TransformerImpl& model, const std::vector<int64_t>& source,
                        const std::vector<int64_t>& target) {
  const auto device = model.target_embedding->weight.device();
  const auto read = batch_of_one(source, device), written = batch_of_one(target, device);
  return [&model, read, written] {
    const auto logits = model.forward(read, {}, written.slice(1, 0, -1))[0];  // [T - 1, V]
    return F::cross_entropy(logits, written[0].slice(0, 1));
  };
}

HeadTask head_task(const OpenedInput& opened) {
  if (auto* gpt = opened.as<GptImpl>()) return next_tokens(*gpt, opened.text);
  if (auto* bert = opened.as<BertTaskModelImpl>())
    return bert->classifier ? own_labels(*bert, opened) : masked_tokens(*bert, opened);
  if (auto* pair = opened.as<TransformerImpl>()) return target_tokens(*pair, opened);
  if (auto* vit = opened.as<VitImpl>()) return own_class(*vit, vit->blocks, opened.pixels);
  if (auto* cct = opened.as<CctImpl>()) return own_class(*cct, cct->blocks, opened.pixels);
  throw std::runtime_error(
      "heads are judged for a GPT, a BERT, an encoder-decoder and a classifier of images; this "
      "model is none of them");
}

}  // namespace zoo
