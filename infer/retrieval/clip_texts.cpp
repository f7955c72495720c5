#include "infer/retrieval/clip_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "infer/text_model.h"
#include "models/batching/padding.h"

namespace zoo {
namespace {

std::string fill_sentence(std::string text, std::string_view name) {
  for (size_t at = text.find("{}"); at != std::string::npos; at = text.find("{}", at + name.size()))
    text.replace(at, 2, name);
  return text;
}

}  // namespace

int64_t text_end_id(const Tokenizer& tokenizer) {
  if (const auto id = tokenizer.eos_id()) return *id;
  if (const auto id = tokenizer.sep_id()) return *id;
  throw std::runtime_error(
      fmt::format("the {} tokenizer has no end-of-text token, at which CLIP reads a text; use a "
                  "sentencepiece kind or wordpiece",
                  tokenizer.kind()));
}

torch::Tensor clip_tokens(const Tokenizer& tokenizer, std::span<const std::string> texts,
                          int64_t end, int64_t context, std::optional<int64_t> padding) {
  std::vector<std::vector<int64_t>> rows;
  for (const auto& text : texts) {
    const auto ids = tokenizer.encode(text, {.add_special = true}).ids;
    auto& row = rows.emplace_back(ids.begin(), ids.end());
    if (row.empty() || row.back() != end) row.push_back(end);
    if (std::ssize(row) > context) {
      row.resize(static_cast<size_t>(context));
      row.back() = end;
    }
  }
  return pad_rows(rows, {.filler = padding.value_or(end), .width = padding ? context : 1});
}

std::optional<int64_t> text_padding(const ClipOptions& options, const Tokenizer& tokenizer,
                                    int64_t end) {
  if (options.text_pooling != ClipTextPooling::kLast) return std::nullopt;
  return tokenizer.pad_id() ? int64_t{*tokenizer.pad_id()} : end;
}

torch::Tensor embed_clip_texts(ClipImpl& model, const Tokenizer& tokenizer,
                               const std::vector<std::string>& texts, int64_t end) {
  constexpr size_t kBatch = 256;
  const auto device = model.text_projection->weight.device();
  std::vector<torch::Tensor> parts;
  for (size_t begin = 0; begin < texts.size(); begin += kBatch) {
    const auto batch = std::span(texts).subspan(begin, std::min(kBatch, texts.size() - begin));
    const auto tokens = clip_tokens(tokenizer, batch, end, model.options.text.context,
                                    text_padding(model.options, tokenizer, end));  // [B, T]
    const auto highest = static_cast<int32_t>(tokens.max().item<int64_t>());
    check_token_rows({&highest, 1}, model.options.text.vocab_size, tokenizer);
    parts.push_back(model.embed_texts(tokens.to(device)));
  }
  return torch::cat(parts);
}

torch::Tensor embed_clip_names(ClipImpl& model, const Tokenizer& tokenizer,
                               const std::vector<std::string>& names,
                               const std::vector<std::string>& sentences, int64_t end) {
  torch::Tensor sum;  // [N, E]
  for (const auto& sentence : sentences) {
    std::vector<std::string> texts;
    for (const auto& name : names) texts.push_back(fill_sentence(sentence, name));
    const auto embedded = embed_clip_texts(model, tokenizer, texts, end);
    sum = sum.defined() ? sum + embedded : embedded;
  }
  return sum / sum.norm(2, -1, /*keepdim=*/true);
}

void check_sentences(const std::vector<std::string>& sentences) {
  if (sentences.empty())
    throw std::invalid_argument("--templates must have a sentence; give one, such as '{}'");
  for (const auto& sentence : sentences) {
    if (sentence.find("{}") == std::string::npos) {
      throw std::invalid_argument(
          fmt::format("--templates: '{}' has no place for the name; write {{}} there", sentence));
    }
  }
}

}  // namespace zoo
