// Several texts as one rectangle of ids: truncated and padded.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/named_enum.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

/// Which text of a pair is truncated when both together are too long.
enum class Truncation { kNone, kLongestFirst, kOnlyFirst, kOnlySecond };

template <>
struct EnumNames<Truncation> {
  static constexpr std::string_view what = "truncation";
  static constexpr std::pair<Truncation, std::string_view> values[] = {
      {Truncation::kNone, "none"},
      {Truncation::kLongestFirst, "longest-first"},
      {Truncation::kOnlyFirst, "only-first"},
      {Truncation::kOnlySecond, "only-second"}};
};

enum class Side { kRight, kLeft };

struct BatchOptions {
  bool add_special = true;
  Truncation truncation = Truncation::kLongestFirst;
  size_t max_length = 0;  ///< of a row, with the template's ids; 0: no limit
  Side truncation_side = Side::kRight;
  bool pad = true;                ///< pad all rows to the longest
  size_t pad_to = 0;              ///< minimum length; 0: none
  size_t pad_to_multiple_of = 1;  ///< the length is a multiple of it
  Side padding_side = Side::kRight;
};

struct TextPair {
  std::string_view a;
  std::optional<std::string_view> b = std::nullopt;
};

/// Rows of equal length where padded. [B][T]
struct Batch {
  std::vector<std::vector<int32_t>> ids;
  std::vector<std::vector<int32_t>> attention_mask;  ///< 1 for a real id, 0 for padding
  std::vector<std::vector<int32_t>> type_ids;        ///< 0 for padding
  size_t truncated = 0;                              ///< rows that lost ids
};

/// The same as `tokenizers` with the same settings. Throws std::invalid_argument if rows need
/// padding and the tokenizer has no padding id, if max_length has no room for the template, and if
/// only-second gets no second text.
Batch encode_batch(const Tokenizer& tokenizer, const std::vector<TextPair>& texts,
                   const BatchOptions& options = {});

/// The ids of many texts, in their order, computed on several threads. Rethrows the first error.
std::vector<std::vector<int32_t>> encode_all(const Tokenizer& tokenizer,
                                             const std::vector<std::string_view>& texts,
                                             int threads, const EncodeOptions& options = {});

/// Truncates two texts (the second may be empty) to at most `room` ids together. longest-first, as
/// in `tokenizers`: the longer one down to the length of the other, then both equally. Returns
/// whether anything was removed.
bool truncate(Encoding& a, Encoding& b, size_t room, Truncation how, Side side);

}  // namespace zoo
