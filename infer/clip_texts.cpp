#include "infer/clip_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace zoo {

int64_t text_end_id(const Tokenizer& tokenizer) {
  if (const auto id = tokenizer.eos_id()) return *id;
  if (const auto id = tokenizer.sep_id()) return *id;
  throw std::runtime_error(
      fmt::format("the {} tokenizer has no end-of-text token, at which CLIP reads a text; use a "
                  "sentencepiece kind or wordpiece",
                  tokenizer.kind()));
}

torch::Tensor clip_tokens(const Tokenizer& tokenizer, std::span<const std::string> texts,
                          int64_t end, int64_t context) {
  std::vector<std::vector<int64_t>> rows;
  size_t longest = 1;
  for (const auto& text : texts) {
    const auto ids = tokenizer.encode(text, {.add_special = true}).ids;
    auto& row = rows.emplace_back(ids.begin(), ids.end());
    if (row.empty() || row.back() != end) row.push_back(end);
    if (std::ssize(row) > context) {
      row.resize(static_cast<size_t>(context));
      row.back() = end;
    }
    longest = std::max(longest, row.size());
  }
  const auto T = static_cast<int64_t>(longest);
  const auto tokens = torch::full({std::ssize(texts), T}, end, torch::kLong);
  auto out = tokens.accessor<int64_t, 2>();
  for (int64_t b = 0; b < tokens.size(0); ++b)
    for (int64_t t = 0; t < std::ssize(rows[static_cast<size_t>(b)]); ++t)
      out[b][t] = rows[static_cast<size_t>(b)][static_cast<size_t>(t)];
  return tokens;
}

}  // namespace zoo
