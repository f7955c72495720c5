#include "train/data/pair_batch.h"

#include "models/batching/padding.h"
#include "train/objectives/token_loss.h"

namespace zoo {

std::vector<ExampleLengths> lengths_of(const SequencePairs& pairs, int64_t added) {
  std::vector<ExampleLengths> lengths;
  for (int64_t i = 0; i < pairs.size(); ++i)
    lengths.push_back({pairs.sources.length(i), pairs.targets.length(i) + added});
  return lengths;
}

PairBatch collate_pairs(const SequencePairs& pairs, std::span<const int64_t> indices,
                        const PairSpecials& specials) {
  const auto sources = pairs.sources.at(indices), targets = pairs.targets.at(indices);
  PairBatch batch{.source = pad_rows(sources, {.filler = specials.pad}),                  // [B, S]
                  .source_lengths = row_lengths(sources),                                 // [B]
                  .target_in = pad_rows(targets, {.filler = specials.pad, .column = 1}),  // [B, T]
                  .target_out = {},
                  .target_lengths = row_lengths(targets) + 1};
  const int64_t T = batch.target_in.size(1);
  batch.target_out = pad_rows(targets, {.filler = kIgnored, .width = T});  // [B, T]
  batch.target_in.select(1, 0).fill_(specials.start);
  batch.target_out.scatter_(1, (batch.target_lengths - 1).unsqueeze(1), specials.eos);
  return batch;
}

}  // namespace zoo
