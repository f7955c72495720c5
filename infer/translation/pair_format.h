// The special tokens around a pair of texts: the template around a source, the start and the end of
// a target.
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

/// The special ids of a pair: as `given`, else those of the target's tokenizer. Targets start with
/// decoder_start, else the beginning-of-text token, else the padding token, else the end-of-text
/// token; padding may be any id, because no model reads it. Throws std::runtime_error for a
/// tokenizer without an end-of-text token.
SpecialIds pair_ids(const Tokenizer& target, const SpecialIds& given = {});

/// The format of a model that we train: the source tokenizer's template or, if that adds nothing,
/// the end-of-text token after the text.
PairFormat training_format(const Tokenizer& source, const SpecialIds& ids);

/// The format of a folder, decoded as in the reference: the source tokenizer's template unchanged;
/// no end of targets if `ids` name none. `ours`: one of our runs, whose tokenizer.json may lack its
/// template. Throws std::runtime_error if `ids` do not name the start of a target.
PairFormat folder_format(const Tokenizer& source, const SpecialIds& ids, bool ours);

/// Special tokens around texts, which therefore never occur in a text of ours.
std::vector<int64_t> never_written(const PairFormat& format);

/// The ids of a source with its template; at most `longest` of them (0: no limit): the text is
/// truncated, not the template. `truncated`: whether it was.
std::vector<int64_t> source_ids(const Tokenizer& tokenizer, const PairFormat& format,
                                std::string_view text, int64_t longest, bool& truncated);

/// Saves the tokenizer with this template around one text, so that Python encodes sources as in
/// training.
void save_with_template(const Tokenizer& tokenizer, const PostTemplate& around,
                        const std::filesystem::path& folder);

}  // namespace zoo
