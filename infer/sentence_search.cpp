// Encode in batches, compare by cosine.
#include "infer/sentence_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "models/pretrained/bert_checkpoint.h"

namespace zoo {
namespace {

constexpr size_t kBatch = 32;

}  // namespace

SentenceEncoder::SentenceEncoder(const std::filesystem::path& folder, torch::Device device,
                                 const std::string& attention)
    : device_(device),
      model_(load_bert(folder, {.device = device, .attention = attention})),
      tokenizer_(load_tokenizer(folder)) {
  if (tokenizer_->vocab_size() > model_->options.bert.vocab_size) {
    throw std::runtime_error(
        fmt::format("{}: the tokenizer has {} tokens and the model {}; they do not belong together",
                    folder.string(), tokenizer_->vocab_size(), model_->options.bert.vocab_size));
  }
}

torch::Tensor SentenceEncoder::encode(const std::vector<std::string>& texts) {
  const int64_t context = model_->options.bert.context;
  std::vector<torch::Tensor> parts;
  for (size_t begin = 0; begin < texts.size(); begin += kBatch) {
    std::vector<std::vector<int32_t>> batch;
    for (size_t n = begin; n < std::min(texts.size(), begin + kBatch); ++n) {
      auto ids = tokenizer_->ids(texts[n], {.add_special = true});
      if (std::ssize(ids) > context) {  // the end of text stays the last
        ids[static_cast<size_t>(context) - 1] = ids.back();
        ids.resize(static_cast<size_t>(context));
      }
      batch.push_back(std::move(ids));
    }
    parts.push_back(encode_batch(batch));
  }
  return parts.empty() ? torch::empty({0, model_->options.bert.d_model}) : torch::cat(parts);
}

torch::Tensor SentenceEncoder::encode_batch(const std::vector<std::vector<int32_t>>& ids) {
  size_t T = 1;
  for (const auto& row : ids) T = std::max(T, row.size());
  const auto B = std::ssize(ids);
  auto tokens =
      torch::full({B, static_cast<int64_t>(T)}, tokenizer_->pad_id().value_or(0), torch::kLong);
  auto lengths = torch::zeros({B}, torch::kLong);
  for (int64_t b = 0; b < B; ++b) {
    const auto& row = ids[static_cast<size_t>(b)];
    lengths[b] = std::ssize(row);
    for (int64_t t = 0; t < std::ssize(row); ++t) tokens[b][t] = row[static_cast<size_t>(t)];
  }
  const torch::NoGradGuard no_grad;
  const auto hidden = model_->bert->forward(
      tokens.to(device_), {.args = {.key_lengths = lengths.to(device_)}});  // [B, T, C]
  const auto is_real = torch::arange(static_cast<int64_t>(T)).lt(lengths.unsqueeze(1));
  return sentence_embedding(hidden, is_real.to(device_)).cpu();  // [B, C]
}

std::vector<FoundSentence> nearest(const torch::Tensor& query, const torch::Tensor& sentences,
                                   int64_t top_n) {
  // To topk, NaN is the largest number of all.
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  const auto cosines = sentences.mv(query);  // [N]
  const auto [scores, order] =
      cosines.masked_fill(cosines.isnan(), kNone).topk(std::min(top_n, sentences.size(0)));  // [n]
  std::vector<FoundSentence> found;
  for (int64_t n = 0; n < scores.size(0); ++n) {
    const auto score = scores[n].item<double>();
    if (score != kNone) found.push_back({order[n].item<int64_t>(), score});
  }
  return found;
}

}  // namespace zoo
