// Which tokens are forbidden is decided on the CPU, row by row; the logits change in one operation.
#include "infer/decode/constraints.h"

#include <algorithm>
#include <limits>

#include "infer/decode/rows.h"

namespace zoo {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

/// The tokens that stand in `where` behind an occurrence of the last n - 1 tokens of `text`.
std::vector<int64_t> ends_of_ngrams(std::span<const int64_t> text, std::span<const int64_t> where,
                                    int64_t n) {
  const auto before = static_cast<size_t>(n - 1);
  std::vector<int64_t> ends;
  if (text.size() < before) return ends;
  const auto suffix = text.last(before);
  for (size_t i = 0; i + before < where.size(); ++i) {
    if (std::ranges::equal(where.subspan(i, before), suffix)) ends.push_back(where[i + before]);
  }
  return ends;
}

bool ends_with(std::span<const int64_t> text, std::span<const int64_t> end) {
  return text.size() >= end.size() && std::ranges::equal(text.last(end.size()), end);
}

}  // namespace

torch::Tensor forbid_tokens(const torch::Tensor& logits, std::span<const int64_t> ids) {
  if (ids.empty()) return logits;
  return logits.index_fill(1, to_tensor(ids).to(logits.device()), kNever);
}

torch::Tensor forbid_tokens_of_rows(const torch::Tensor& logits,
                                    const std::vector<std::vector<int64_t>>& ids) {
  std::vector<int64_t> rows, columns;
  for (size_t b = 0; b < ids.size(); ++b) {
    for (const int64_t id : ids[b]) {
      if (id < 0 || id >= logits.size(1)) continue;
      rows.push_back(static_cast<int64_t>(b));
      columns.push_back(id);
    }
  }
  if (rows.empty()) return logits;
  return logits.index_put(
      {to_tensor(rows).to(logits.device()), to_tensor(columns).to(logits.device())},
      torch::tensor(kNever, logits.options()));
}

torch::Tensor forbid_repeated_ngrams(const torch::Tensor& logits, Rows rows, int64_t n) {
  std::vector<std::vector<int64_t>> ids;
  for (const RowTokens& row : rows) ids.push_back(ends_of_ngrams(row.all, row.all, n));
  return forbid_tokens_of_rows(logits, ids);
}

torch::Tensor forbid_ngrams_of_sources(const torch::Tensor& logits, Rows rows, int64_t n) {
  std::vector<std::vector<int64_t>> ids;
  for (const RowTokens& row : rows) ids.push_back(ends_of_ngrams(row.all, row.source, n));
  return forbid_tokens_of_rows(logits, ids);
}

torch::Tensor forbid_words(const torch::Tensor& logits, Rows rows,
                           std::span<const std::vector<int64_t>> words) {
  std::vector<std::vector<int64_t>> ids(rows.size());
  for (size_t b = 0; b < rows.size(); ++b) {
    for (const std::span<const int64_t> word : words) {
      if (ends_with(rows[b].all, word.first(word.size() - 1))) ids[b].push_back(word.back());
    }
  }
  return forbid_tokens_of_rows(logits, ids);
}

torch::Tensor force_tokens(const torch::Tensor& logits,
                           const std::vector<std::vector<int64_t>>& forced) {
  auto result = logits;
  for (size_t b = 0; b < forced.size(); ++b) {
    if (forced[b].empty()) continue;
    if (result.is_same(logits)) result = logits.clone();
    auto row = result[static_cast<int64_t>(b)].fill_(kNever);
    for (const int64_t id : forced[b]) row[id] = 0;
  }
  return result;
}

}  // namespace zoo
