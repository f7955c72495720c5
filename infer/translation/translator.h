// Texts in, translations out: batching, decoding and detokenizing around an encoder-decoder.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/translation/alignment.h"
#include "infer/translation/pair_format.h"
#include "infer/translation/translation_model.h"
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
  /// max_new_tokens and max_length 0: twice the source's tokens and 10 more, up to the next
  /// multiple of 16. No eos_ids: the format's.
  DecodeOptions decode = {};
  std::vector<std::string> force_words = {};  ///< that come in every translation; needs beams
  int64_t batch_size = 32;  ///< texts that are translated together, those of like length
  std::function<void(int64_t texts)> on_progress = {};  ///< how many are done
};

class Translator {
 public:
  /// The model must be in evaluation mode; the references outlive the translator. Throws
  /// std::runtime_error for a start token outside the vocabulary.
  Translator(const TranslationModel& model, const Tokenizer& source, const Tokenizer& target,
             PairFormat format);

  /// Translations by source, then by rank. An empty text is also translated: it consists of the
  /// template's tokens. Throws std::runtime_error for a text that the model cannot read.
  std::vector<Translation> translate(const std::vector<std::string>& texts,
                                     const TranslatorOptions& options = {}) const;

  /// Reads `source` and its translation once more: returns the attention of each of its tokens to
  /// the source. For a Transformer: mean over the heads of the decoder's last layer, always with
  /// kernel matmul.
  Alignment align(const std::string& source, const Translation& translation) const;

  /// The encoder's input ids for each text. Throws as translate().
  std::vector<std::vector<int64_t>> ids_of(const std::vector<std::string>& texts) const;

 private:
  struct Source;
  std::vector<Source> encode(const std::vector<std::string>& texts) const;
  static int64_t usual_longest(const Source& source);
  std::vector<Generation> decode(const std::vector<Source>& sources, DecodeOptions options) const;

  const TranslationModel& model_;
  const Tokenizer &source_, &target_;
  std::unique_ptr<SourceDecoder> decoder_;
  PairFormat format_;
};

}  // namespace zoo
