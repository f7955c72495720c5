// Several texts as one rectangle of ids: cut to a length, filled up with padding.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/named_enum.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

/// Which text of a pair gives way when both are too long together.
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
  size_t max_length = 0;  ///< of a row, the template's ids included; 0: no limit
  Side truncation_side = Side::kRight;
  bool pad = true;                ///< all rows as long as the longest
  size_t pad_to = 0;              ///< at least this long; 0: no more than needed
  size_t pad_to_multiple_of = 1;  ///< lengths that hardware likes
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

/// As `tokenizers` does it with the same settings. Throws std::invalid_argument where padding is
/// asked of a tokenizer without a padding id, where max_length has no room for the template, and
/// where only_second has no second text.
Batch encode_batch(const Tokenizer& tokenizer, const std::vector<TextPair>& texts,
                   const BatchOptions& options = {});

/// The ids of many texts, on several threads; the order is that of the texts. What a text throws is
/// thrown here, too.
std::vector<std::vector<int32_t>> encode_all(const Tokenizer& tokenizer,
                                             const std::vector<std::string_view>& texts,
                                             int threads, const EncodeOptions& options = {});

/// Cuts two texts (the second may be empty) so that together they have at most `room` ids.
/// longest_first, as `tokenizers` does: the longer one gives way until both are equal, then both
/// half and half. Returns whether anything was cut.
bool truncate(Encoding& a, Encoding& b, size_t room, Truncation how, Side side);

}  // namespace zoo
