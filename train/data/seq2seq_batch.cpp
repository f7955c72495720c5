#include "train/data/seq2seq_batch.h"

#include <algorithm>

#include "train/objectives/next_token.h"

namespace zoo {
namespace {

/// Longest of the sequences at `indices`.
int64_t longest(const TokenSequences& sequences, std::span<const int64_t> indices) {
  int64_t most = 0;
  for (const int64_t i : indices) most = std::max(most, sequences.length(i));
  return most;
}

/// [B, width] filled with `filler`, each row's text beginning at `column`.
torch::Tensor laid_out(const TokenSequences& sequences, std::span<const int64_t> indices,
                       int64_t width, int64_t column, int64_t filler) {
  auto table = torch::full({std::ssize(indices), width}, filler, torch::kLong);
  auto* row = table.data_ptr<int64_t>();
  for (const int64_t i : indices) {
    std::ranges::copy(sequences.at(i), row + column);
    row += width;
  }
  return table;
}

torch::Tensor lengths_of(const TokenSequences& sequences, std::span<const int64_t> indices) {
  auto lengths = torch::empty({std::ssize(indices)}, torch::kLong);
  auto* out = lengths.data_ptr<int64_t>();
  for (const int64_t i : indices) *out++ = sequences.length(i);
  return lengths;
}

}  // namespace

Seq2SeqBatch collate_pairs(const SequencePairs& pairs, std::span<const int64_t> indices,
                           const PairSpecials& specials) {
  const int64_t S = longest(pairs.sources, indices), T = longest(pairs.targets, indices) + 1;
  Seq2SeqBatch batch{.source = laid_out(pairs.sources, indices, S, 0, specials.pad),
                     .source_lengths = lengths_of(pairs.sources, indices),
                     .target_in = laid_out(pairs.targets, indices, T, 1, specials.pad),
                     .target_out = laid_out(pairs.targets, indices, T, 0, kIgnored),
                     .target_lengths = lengths_of(pairs.targets, indices) + 1};
  batch.target_in.select(1, 0).fill_(specials.start);
  batch.target_out.scatter_(1, (batch.target_lengths - 1).unsqueeze(1), specials.eos);
  return batch;
}

SequenceBatch collate_sequences(const TokenSequences& sequences, std::span<const int64_t> indices,
                                int64_t pad) {
  return {laid_out(sequences, indices, longest(sequences, indices), 0, pad),  // [B, T]
          lengths_of(sequences, indices)};
}

torch::Tensor attention_mask(const torch::Tensor& tokens, const torch::Tensor& lengths) {
  const auto places = torch::arange(tokens.size(1), lengths.options());
  return places.lt(lengths.unsqueeze(1)).to(torch::kLong);
}

}  // namespace zoo
