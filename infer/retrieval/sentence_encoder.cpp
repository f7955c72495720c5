// Prompt, tokenizer, encoder, pooling, what follows.
#include "infer/retrieval/sentence_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "models/batching/padding.h"
#include "models/layers/activate.h"
#include "models/pretrained/format/name_map.h"
#include "tokenizers/batch.h"
#include "tokenizers/text/normalization.h"

namespace zoo {
namespace {

std::string lower(std::string_view text) {
  AlignedText aligned(text, /*begin=*/0, /*tracked=*/false);
  lowercase(aligned);
  return aligned.text();
}

using Function = torch::Tensor (*)(const torch::Tensor&);

/// Python's classes for what stands behind a dense layer.
Function activation_function(const std::string& name) {
  static constexpr std::pair<std::string_view, Function> kFunctions[] = {
      {"Identity", [](const torch::Tensor& x) { return x; }},
      {"Tanh", [](const torch::Tensor& x) { return x.tanh(); }},
      {"ReLU", [](const torch::Tensor& x) { return x.relu(); }},
      {"GELU", [](const torch::Tensor& x) { return torch::gelu(x); }},
      {"SiLU", [](const torch::Tensor& x) { return torch::silu(x); }},
      {"Sigmoid", [](const torch::Tensor& x) { return x.sigmoid(); }}};
  for (const auto& [known, function] : kFunctions) {
    if (name.starts_with("torch.nn.") && name.ends_with(fmt::format(".{}", known))) return function;
  }
  throw std::runtime_error(
      fmt::format("activation_function \"{}\" is not supported; known are torch.nn's Identity, "
                  "Tanh, ReLU, GELU, SiLU, "
                  "Sigmoid",
                  name.substr(0, 80)));
}

torch::Tensor of_length_one(const torch::Tensor& vectors) {
  return vectors / vectors.norm(2, {-1}, /*keepdim=*/true).clamp_min(1e-12);
}

}  // namespace

SentenceEncoder::SentenceEncoder(const std::filesystem::path& folder, torch::Device device,
                                 const std::string& attention)
    : device_(device),
      config_(read_sentence_config(folder)),
      encoder_(load_text_encoder(config_.encoder, device, attention)) {
  const int64_t context = encoder_.model->options.bert.context;
  const int64_t asked = config_.max_length > 0
                            ? config_.max_length
                            : tokenizer_max_length(config_.encoder).value_or(context);
  limit_ = std::min(asked, context);
  for (const auto& step : config_.steps) steps_.push_back(load_step(step));
  for (int32_t id = 0; id < encoder_.tokenizer->vocab_size(); ++id)
    if (encoder_.tokenizer->is_special(id))
      special_pieces_.push_back(encoder_.tokenizer->piece_of(id));
}

/// But for special tokens, which are found in a text before it is normalised.
std::string SentenceEncoder::in_lower_case(std::string_view text) const {
  std::string result;
  while (!text.empty()) {
    size_t at = std::string_view::npos, length = 0;  // the first special token, the longest there
    for (const auto& piece : special_pieces_) {
      const size_t found = piece.empty() ? std::string_view::npos : text.find(piece);
      if (found < at || (found == at && piece.size() > length)) at = found, length = piece.size();
    }
    result += lower(text.substr(0, at));
    if (at == std::string_view::npos) break;
    result += text.substr(at, length);
    text.remove_prefix(at + length);
  }
  return result;
}

SentenceEncoder::Step SentenceEncoder::load_step(const SentenceStep& config) const {
  Step step{.config = config};
  NameMap names{.family = "sentence-transformers module", .rows = {}};
  const auto load = [&](torch::nn::Module& module, const std::string& prefix) {
    names.rows = {{.ours = "weight", .theirs = {prefix + "weight"}},
                  {.ours = "bias", .theirs = {prefix + "bias"}}};
    load_named(module, SafetensorsReader(config.folder), names);
    module.to(device_);
  };
  if (config.kind == SentenceStepKind::kDense) {
    activation_function(config.activation);  // refuses before anything is read
    step.dense = torch::nn::Linear(
        torch::nn::LinearOptions(config.in_features, config.out_features).bias(config.bias));
    load(*step.dense, "linear.");
  } else if (config.kind == SentenceStepKind::kLayerNorm) {
    step.norm = torch::nn::LayerNorm(torch::nn::LayerNormOptions({config.in_features}));
    load(*step.norm, "norm.");
  }
  return step;
}

torch::Tensor SentenceEncoder::encode(const std::vector<std::string>& texts,
                                      const std::string& prompt) {
  constexpr size_t kBatch = 32;
  const torch::NoGradGuard no_grad;
  const int64_t skipped = config_.include_prompt || prompt.empty() ? 0 : prompt_tokens(prompt);
  std::vector<torch::Tensor> parts;
  for (size_t begin = 0; begin < texts.size(); begin += kBatch) {
    std::vector<std::vector<int32_t>> rows;
    for (size_t n = begin; n < std::min(texts.size(), begin + kBatch); ++n) {
      rows.push_back(ids_of(prompt + texts[n]));
      if (on_ids_) on_ids_(*encoder_.tokenizer, rows.back());
    }
    parts.push_back(encode_rows(rows, skipped).cpu());
  }
  return parts.empty() ? torch::empty({0, encoder_.model->options.bert.d_model})
                       : torch::cat(parts);
}

std::vector<int32_t> SentenceEncoder::ids_of(const std::string& text) const {
  const std::string read = config_.lower_case ? in_lower_case(text) : text;
  const Batch batch = encode_batch(*encoder_.tokenizer, {TextPair{.a = read}},
                                   {.max_length = static_cast<size_t>(limit_), .pad = false});
  encoder_.check_ids(batch.ids[0]);
  return batch.ids[0];
}

/// What a prompt takes of each row: its tokens without the one that ends a text.
int64_t SentenceEncoder::prompt_tokens(const std::string& prompt) const {
  const auto ids = ids_of(prompt);
  const bool ends = !ids.empty() && encoder_.tokenizer->is_special(ids.back());
  return std::ssize(ids) - (ends ? 1 : 0);
}

torch::Tensor SentenceEncoder::encode_rows(const std::vector<std::vector<int32_t>>& ids,
                                           int64_t skipped) {
  const auto tokens =
      pad_rows(ids, {.filler = encoder_.tokenizer->pad_id().value_or(0), .width = 1})
          .to(device_);                               // [B, T]
  const auto lengths = row_lengths(ids).to(device_);  // [B]
  const auto hidden = encoder_.model->bert->forward(tokens, {.args = {.key_lengths = lengths}});
  const auto is_real = token_mask(lengths, tokens.size(1));                     // [B, T]
  return follow_steps(pool_tokens(hidden, is_real, config_.pooling, skipped));  // [B, E]
}

torch::Tensor SentenceEncoder::follow_steps(torch::Tensor vectors) {
  for (auto& step : steps_) {
    switch (step.config.kind) {
      case SentenceStepKind::kNormalize:
        vectors = of_length_one(vectors);
        break;
      case SentenceStepKind::kDense:
        vectors = activation_function(step.config.activation)(step.dense(vectors));
        break;
      case SentenceStepKind::kLayerNorm:
        vectors = step.norm(vectors);
        break;
    }
  }
  const int64_t kept =
      config_.dimensions > 0 ? std::min(config_.dimensions, vectors.size(-1)) : vectors.size(-1);
  return vectors.narrow(-1, 0, kept);
}

}  // namespace zoo
