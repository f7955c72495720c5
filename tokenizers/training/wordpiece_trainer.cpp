// Trains WordPiece as used by BERT (Devlin et al. 2019, arXiv:1810.04805): BERT's normalizer and
// words, with pieces inside a word marked "##". Gives the same result as BertWordPieceTokenizer of
// the `tokenizers` package, up to the order of the marked letters, which is random there
// (bpe_alphabet.h).
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tokenizers/auto/auto_document.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/training/subword_training.h"

namespace zoo {
namespace {

/// The tokenizer_config.json: settings that vocab.txt does not hold.
std::string config_of(const TokenizerTraining& options, const std::vector<std::string>& specials) {
  OrderedJson config = {{"tokenizer_class", "BertTokenizer"},
                        {"do_lower_case", !options.cased},
                        {"strip_accents", nullptr},
                        {"tokenize_chinese_chars", true},
                        {"pad_token", "[PAD]"},
                        {"unk_token", "[UNK]"},
                        {"cls_token", "[CLS]"},
                        {"sep_token", "[SEP]"},
                        {"mask_token", "[MASK]"}};
  for (const std::string& token : specials) {
    const auto is_role = [&](const OrderedJson& value) { return value == token; };
    if (std::any_of(config.begin(), config.end(), is_role)) continue;
    config["additional_special_tokens"].push_back(token);
  }
  return config.dump(2) + "\n";
}

}  // namespace

std::unique_ptr<Tokenizer> train_wordpiece(const TokenizerTraining& options, TrainingText& text,
                                           const TrainingWatch& watch) {
  BpeAlphabet alphabet;
  alphabet.prefix = "##";
  alphabet.limit = static_cast<size_t>(options.limit_alphabet);
  alphabet.special_tokens = special_tokens_of(options, bert_special_tokens());
  const std::string config = config_of(options, alphabet.special_tokens);
  const auto document = [&](std::string_view vocab_txt) {
    const TokenizerSettings settings = read_settings({.tokenizer_config = config}, nullptr);
    return class_document("BertTokenizer", settings, vocabulary_of_lines(vocab_txt)).tokenizer_json;
  };
  const auto stages = nlohmann::json::parse(document(""));
  const Subwords subwords = train_subwords(options, text, stages.at("normalizer"),
                                           stages.at("pre_tokenizer"), alphabet, watch);
  std::string vocab_txt;
  for (const std::string& piece : subwords.pieces) vocab_txt += piece + "\n";
  return std::make_unique<PipelineTokenizer>(document(vocab_txt), config);
}

}  // namespace zoo
