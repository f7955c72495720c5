#include "models/batching/classifier_rows.h"

#include <algorithm>
#include <utility>

#include "models/batching/padding.h"
#include "tokenizers/stages/post_template.h"

namespace zoo {
namespace {

struct JoinedWords {
  std::string text;
  std::vector<std::pair<size_t, size_t>> spans;  // bytes [begin, end) of each word
};

JoinedWords join(const std::vector<std::string>& words) {
  JoinedWords joined;
  for (const auto& word : words) {
    if (!joined.text.empty()) joined.text += ' ';
    joined.spans.emplace_back(joined.text.size(), joined.text.size() + word.size());
    joined.text += word;
  }
  return joined;
}

/// The first id that has bytes of each span, both in the order of the text.
std::vector<int64_t> first_pieces(const Encoding& encoding,
                                  const std::vector<std::pair<size_t, size_t>>& spans) {
  std::vector<int64_t> positions;
  size_t at = 0;
  for (const auto& [begin, end] : spans) {
    while (at < encoding.ids.size() &&
           (encoding.words[at] < 0 || encoding.offsets[at].second <= begin))
      ++at;
    const bool found = at < encoding.ids.size() && encoding.offsets[at].first < end;
    positions.push_back(found ? static_cast<int64_t>(at) : -1);
  }
  return positions;
}

}  // namespace

ClassifierRow text_row(const Tokenizer& tokenizer, const TextPair& text, int64_t context) {
  const Batch batch =
      encode_batch(tokenizer, {text}, {.max_length = static_cast<size_t>(context), .pad = false});
  return {.ids = batch.ids[0], .segments = batch.type_ids[0], .was_cut = batch.truncated > 0};
}

ClassifierRow words_row(const Tokenizer& tokenizer, const std::vector<std::string>& words,
                        int64_t context) {
  const JoinedWords joined = join(words);
  Encoding bare = tokenizer.encode(joined.text), none;
  const PostTemplate& post = tokenizer.post_template();
  const size_t room = static_cast<size_t>(context) - post.added(/*is_pair=*/false);
  const bool was_cut = truncate(bare, none, room, Truncation::kOnlyFirst, Side::kRight);
  const Encoding whole = post.apply(std::move(bare));
  return {.ids = whole.ids,
          .segments = whole.type_ids,
          .first_pieces = first_pieces(whole, joined.spans),
          .was_cut = was_cut};
}

ClassifierBatch collate_rows(const std::vector<ClassifierRow>& rows,
                             std::span<const int64_t> indices, int64_t pad) {
  std::vector<std::span<const int32_t>> ids, segments;
  for (const int64_t i : indices) {
    ids.emplace_back(rows[static_cast<size_t>(i)].ids);
    segments.emplace_back(rows[static_cast<size_t>(i)].segments);
  }
  return {.tokens = pad_rows(ids, {.filler = pad}),  // [B, T]
          .segments = pad_rows(segments),            // [B, T]
          .lengths = row_lengths(ids)};
}

}  // namespace zoo
