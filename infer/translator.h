// Texts in, translations out: batching, decoding and detokenizing around an encoder-decoder.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "infer/alignment.h"
#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/translation_model.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

struct Translation {
  int64_t source = 0;  ///< number of the text
  int64_t rank = 0;    ///< among the translations of that text
  std::string text = {};
  std::vector<int64_t> tokens = {};  ///< an end-of-text token is the last of them
  double score = 0.0;                ///< of the strategy; greedy: log probability of all tokens
  bool truncated = false;            ///< the source was longer than the model can read, and was cut
};

struct TranslatorOptions {
  /// max_new_tokens 0: twice the source's tokens and 10 more, up to the next multiple of 16
  DecodeOptions decode = {};
  std::vector<std::string> force_words = {};  ///< that come in every translation; needs beams
  int64_t batch_size = 32;  ///< texts that are translated together, those of like length
  std::function<void(int64_t texts)> on_progress = {};  ///< how many are done
};

class Translator {
 public:
  /// The model must be in evaluation mode; the references outlive the translator. Throws
  /// std::runtime_error where neither `ids` nor the tokenizers say how a target starts and ends.
  Translator(const TranslationModel& model, const Tokenizer& source, const Tokenizer& target,
             const SpecialIds& ids);

  /// Translations by source, then by rank. An empty text is translated, too: it is an end-of-text
  /// token to the model.
  std::vector<Translation> translate(const std::vector<std::string>& texts,
                                     const TranslatorOptions& options = {}) const;

  /// Reads a translation of `source` along with it once more: where each of its tokens looked. A
  /// Transformer: mean over the heads of the decoder's last layer, with kernel matmul whatever
  /// kernel the model has.
  Alignment align(const std::string& source, const Translation& translation) const;

  int64_t start_id() const { return start_; }

 private:
  struct Source;
  std::vector<Source> encode(const std::vector<std::string>& texts) const;
  static int64_t usual_longest(const Source& source);
  std::vector<Generation> decode(const std::vector<Source>& sources, DecodeOptions options) const;

  const TranslationModel& model_;
  const Tokenizer &source_, &target_;
  std::unique_ptr<SourceDecoder> decoder_;
  int64_t start_ = 0, eos_ = 0, pad_ = 0;
};

/// The ids that stand around a pair: as config.json names them, else as the target's tokenizer
/// does. Targets start with decoder_start, else the beginning-of-text token, else the padding
/// token, else the end-of-text token; padding may be any id, because no model sees it. Throws
/// std::runtime_error for a tokenizer without an end-of-text token.
SpecialIds pair_ids(const Tokenizer& target, const SpecialIds& given = {});

}  // namespace zoo
