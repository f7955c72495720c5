// Trains BPE on characters, as described by Sennrich et al. 2016 (arXiv:1508.07909). Words are
// separated by white space, and the last character of each is marked "</w>", so that "est</w>" is
// an ending. For teaching: it does not preserve the kind of white space, and rare characters are
// <unk>. Gives the same result as CharBPETokenizer(bert_normalizer=False,
// split_on_whitespace_only=True) of the `tokenizers` package, up to the order of the marked letters
// (bpe_alphabet.h).
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tokenizers/core/tokenizer_json.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/training/subword_training.h"

namespace zoo {

std::unique_ptr<Tokenizer> train_character_bpe(const TokenizerTraining& options, TrainingText& text,
                                               const TrainingWatch& watch) {
  constexpr const char* kSuffix = "</w>";
  const OrderedJson pre_tokenizer = {{"type", "WhitespaceSplit"}};
  BpeAlphabet alphabet;
  alphabet.suffix = kSuffix;
  alphabet.limit = static_cast<size_t>(options.limit_alphabet);
  alphabet.special_tokens = special_tokens_of(options, {"<unk>"});
  const Subwords subwords = train_subwords(options, text, nullptr, pre_tokenizer, alphabet, watch);
  OrderedJson model = bpe_model_of(subwords);
  const auto& specials = alphabet.special_tokens;
  if (std::find(specials.begin(), specials.end(), "<unk>") != specials.end()) {
    model["unk_token"] = "<unk>";
  }
  model["end_of_word_suffix"] = kSuffix;
  const OrderedJson document =
      make_tokenizer_json({.normalizer = nullptr,
                           .pre_tokenizer = pre_tokenizer,
                           .post_processor = nullptr,
                           .decoder = {{"type", "BPEDecoder"}, {"suffix", kSuffix}},
                           .model = std::move(model)},
                          subwords.special_tokens);
  return std::make_unique<PipelineTokenizer>(document.dump(1) + "\n");
}

}  // namespace zoo
