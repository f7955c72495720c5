// Trains byte-level BPE (Radford et al. 2019, section 2.2). Words are bytes, so no text is unknown.
// Gives the same result as the `tokenizers` package with ByteLevel's alphabet as the initial
// alphabet.
#include "tokenizers/core/tokenizer_json.h"
#include "tokenizers/families/byte_bpe_files.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/stages/split_patterns.h"
#include "tokenizers/training/subword_training.h"

namespace zoo {
namespace {

OrderedJson pre_tokenizer_of(const TokenizerTraining& options) {
  if (options.pattern == WordPattern::kGpt2) {
    return byte_level_json(options.add_prefix_space, /*trim_offsets=*/true, /*use_regex=*/true);
  }
  const OrderedJson split =
      split_json(split_pattern(name_of(options.pattern)), "Isolated", /*invert=*/false);
  return {{"type", "Sequence"},
          {"pretokenizers", OrderedJson::array({split, byte_level_json(false, true, false)})}};
}

}  // namespace

std::unique_ptr<Tokenizer> train_byte_bpe(const TokenizerTraining& options, TrainingText& text,
                                          const TrainingWatch& watch) {
  const OrderedJson pre_tokenizer = pre_tokenizer_of(options);
  BpeAlphabet alphabet;
  alphabet.bytes = true;
  alphabet.special_tokens = special_tokens_of(options, {"<|endoftext|>"});
  const Subwords subwords = train_subwords(options, text, nullptr, pre_tokenizer, alphabet, watch);
  const OrderedJson document = make_tokenizer_json(
      {.normalizer = nullptr,
       .pre_tokenizer = pre_tokenizer,
       .post_processor = byte_level_json(options.add_prefix_space, /*trim_offsets=*/false, true),
       .decoder = byte_level_json(true, true, true),
       .model = bpe_model_of(subwords)},
      subwords.special_tokens);
  return std::make_unique<PipelineTokenizer>(document.dump(1) + "\n");
}

}  // namespace zoo
