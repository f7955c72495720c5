// What stands around a pair of texts: the template around a source, what a target starts from and
// what ends it.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "models/pretrained/format/special_ids.h"
#include "tokenizers/stages/post_template.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

struct PairFormat {
  PostTemplate source = {};  ///< <s> TEXT </s> for BART, TEXT </s> for Marian and Pegasus
  int64_t start = 0;         ///< what a target begins with; no part of it
  std::vector<int64_t> ends = {};
  int64_t pad = 0;  ///< fills up shorter rows; no model sees it
};

/// The ids that stand around a pair: as `given`, else as the target's tokenizer names them. Targets
/// start with decoder_start, else the beginning-of-text token, else the padding token, else the
/// end-of-text token; padding may be any id, because no model sees it. Throws std::runtime_error
/// for a tokenizer without an end-of-text token.
SpecialIds pair_ids(const Tokenizer& target, const SpecialIds& given = {});

/// Of a model that we train: the source tokenizer's template, or where that adds nothing the
/// end-of-text token behind the text.
PairFormat training_format(const Tokenizer& source, const SpecialIds& ids);

/// Of a folder, as the reference decodes it: the source tokenizer's template as it is; a target
/// that nothing ends where `ids` name no end. `ours`: a run of ours, whose tokenizer.json may be
/// without its template. Throws std::runtime_error where `ids` do not say what a target starts
/// with.
PairFormat folder_format(const Tokenizer& source, const SpecialIds& ids, bool ours);

/// Tokens that stand around texts, and that a text of ours therefore never holds.
std::vector<int64_t> never_written(const PairFormat& format);

/// The ids of a source, the template's included; at most `longest` of them (0: no limit), of which
/// the text gives way. `truncated`: whether it did.
std::vector<int64_t> source_ids(const Tokenizer& tokenizer, const PairFormat& format,
                                std::string_view text, int64_t longest, bool& truncated);

/// Saves the tokenizer with this template around one text, so that Python reads sources as they
/// were trained on.
void save_with_template(const Tokenizer& tokenizer, const PostTemplate& around,
                        const std::filesystem::path& folder);

}  // namespace zoo
