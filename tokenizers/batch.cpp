#include "tokenizers/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tokenizers/stages/post_template.h"

namespace zoo {
namespace {

template <class T>
void keep(std::vector<T>& values, size_t count, Side side) {
  if (values.size() <= count) return;
  const auto surplus = static_cast<std::ptrdiff_t>(values.size() - count);
  if (side == Side::kRight) {
    values.resize(count);
  } else {
    values.erase(values.begin(), values.begin() + surplus);
  }
}

void keep(Encoding& encoding, size_t count, Side side) {
  keep(encoding.ids, count, side);
  keep(encoding.offsets, count, side);
  keep(encoding.type_ids, count, side);
  keep(encoding.words, count, side);
}

/// Removes the surplus from one text, which must not become empty.
void truncate_one(Encoding& text, size_t surplus, Side side) {
  if (surplus >= text.ids.size()) {
    throw std::invalid_argument(fmt::format(
        "truncation: {} ids too many, but the text to cut has {}; allow a larger length, or "
        "longest-first",
        surplus, text.ids.size()));
  }
  keep(text, text.ids.size() - surplus, side);
}

Encoding bare(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, {.add_special = false});
}

struct Row {
  Encoding encoding;
  bool was_truncated = false;
};

Row encode_row(const Tokenizer& tokenizer, const TextPair& texts, const BatchOptions& options) {
  Encoding a = bare(tokenizer, texts.a), b = texts.b ? bare(tokenizer, *texts.b) : Encoding();
  Row row;
  if (options.max_length > 0 && options.truncation != Truncation::kNone) {
    const size_t added =
        options.add_special ? tokenizer.post_template().added(texts.b.has_value()) : 0;
    if (added > options.max_length) {
      throw std::invalid_argument(fmt::format("max_length {} has no room for the template's {} ids",
                                              options.max_length, added));
    }
    if (options.truncation == Truncation::kOnlySecond && !texts.b) {
      throw std::invalid_argument("truncation only-second needs pairs of texts");
    }
    row.was_truncated =
        truncate(a, b, options.max_length - added, options.truncation, options.truncation_side);
  }
  const PostTemplate post =
      options.add_special ? tokenizer.post_template() : tokenizer.post_template().without_ids();
  row.encoding = texts.b ? post.apply(std::move(a), std::move(b)) : post.apply(std::move(a));
  return row;
}

size_t padded_length(const std::vector<Row>& rows, const BatchOptions& options) {
  size_t length = options.pad_to;
  for (const Row& row : rows) length = std::max(length, row.encoding.ids.size());
  const size_t multiple = std::max<size_t>(options.pad_to_multiple_of, 1);
  return (length + multiple - 1) / multiple * multiple;
}

void pad(std::vector<int32_t>& row, size_t length, int32_t with, Side side) {
  if (row.size() < length) {
    row.insert(side == Side::kRight ? row.end() : row.begin(), length - row.size(), with);
  }
}

}  // namespace

bool truncate(Encoding& a, Encoding& b, size_t room, Truncation how, Side side) {
  const size_t total = a.ids.size() + b.ids.size();
  if (how == Truncation::kNone || total <= room) return false;
  if (how == Truncation::kOnlyFirst) truncate_one(a, total - room, side);
  if (how == Truncation::kOnlySecond) truncate_one(b, total - room, side);
  if (how != Truncation::kLongestFirst) return true;
  const bool b_is_shorter = b.ids.size() < a.ids.size();
  Encoding& shorter = b_is_shorter ? b : a;
  Encoding& longer = b_is_shorter ? a : b;
  size_t few = std::min(shorter.ids.size(), room), many = std::max(few, room - few);
  if (few + many > room) {
    few = room / 2;
    many = room - few;
  }
  keep(shorter, few, side);
  keep(longer, many, side);
  return true;
}

std::vector<std::vector<int32_t>> encode_all(const Tokenizer& tokenizer,
                                             const std::vector<std::string_view>& texts,
                                             int threads, const EncodeOptions& options) {
  constexpr size_t kChunk = 64;  // texts that a thread takes at a time
  std::vector<std::vector<int32_t>> ids(texts.size());
  std::atomic<size_t> taken = 0;
  std::exception_ptr failure;
  std::mutex failing;
  const auto work = [&] {
    try {
      for (size_t begin; (begin = taken.fetch_add(kChunk)) < texts.size();) {
        for (size_t i = begin; i < std::min(begin + kChunk, texts.size()); ++i) {
          ids[i] = tokenizer.ids(texts[i], options);
        }
      }
    } catch (...) {
      const std::lock_guard lock(failing);
      if (!failure) failure = std::current_exception();
      taken = texts.size();
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
  return ids;
}

Batch encode_batch(const Tokenizer& tokenizer, const std::vector<TextPair>& texts,
                   const BatchOptions& options) {
  std::vector<Row> rows;
  rows.reserve(texts.size());
  for (const TextPair& pair : texts) rows.push_back(encode_row(tokenizer, pair, options));
  const size_t length = options.pad ? padded_length(rows, options) : 0;

  Batch batch;
  for (Row& row : rows) {
    batch.truncated += row.was_truncated ? 1 : 0;
    Encoding& encoding = row.encoding;
    std::vector<int32_t> mask(encoding.ids.size(), 1);
    if (encoding.ids.size() < length) {
      if (!tokenizer.pad_id()) {
        throw std::invalid_argument(
            fmt::format("the {} tokenizer has no padding token: encode texts of one length, or "
                        "without padding",
                        tokenizer.kind()));
      }
      pad(encoding.ids, length, *tokenizer.pad_id(), options.padding_side);
      pad(encoding.type_ids, length, 0, options.padding_side);
      pad(mask, length, 0, options.padding_side);
    }
    batch.ids.push_back(std::move(encoding.ids));
    batch.attention_mask.push_back(std::move(mask));
    batch.type_ids.push_back(std::move(encoding.type_ids));
  }
  return batch;
}

}  // namespace zoo
