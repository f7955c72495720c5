// Trains SentencePiece models with the library; lossless by default.
//
// Lossless: no normalisation, no space added or removed, and a character without a piece becomes
// its bytes. One gap remains in the library's own format: it writes a space as U+2581, so a U+2581
// of the text decodes as a space. Our models therefore contain plain spaces (escape_whitespaces
// off). The library trains with U+2581, which it needs to find the starts of words, and the pieces
// are rewritten afterwards.
#include <fmt/format.h>
#include <sentencepiece_trainer.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <unordered_map>

#include "base/option_error.h"
#include "tokenizers/sentencepiece/sentencepiece.h"
#include "tokenizers/text/utf8.h"
#include "tokenizers/training/trainers.h"

namespace zoo {
namespace {

constexpr std::string_view kUnknownMark = "\xE2\x96\x85";  // U+2585, reserved by the trainer

/// Passes text to the library without reserved characters and long lines. The library would
/// otherwise skip a whole block for one reserved character, and lines over 4192 bytes.
class Sentences : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(TrainingText& text) : text_(text) { advance(); }
  bool done() const override { return done_; }
  void Next() override { advance(); }
  const std::string& value() const override { return value_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  void advance() {
    done_ = !text_.next(value_);
    for (const std::string_view reserved : {kUnknownMark, kMarkedSpace}) {
      value_ = utf8::replace_all(value_, reserved, "");
    }
  }
  TrainingText& text_;
  std::string value_;
  bool done_ = false;
};

std::unordered_map<std::string, std::string> library_options(const TokenizerTraining& o,
                                                             int64_t vocab_size) {
  const bool unigram = o.kind == TokenizerKind::kSentencePieceUnigram;
  const auto flag = [](bool value) { return std::string(value ? "true" : "false"); };
  std::unordered_map<std::string, std::string> options = {
      {"minloglevel", "3"},
      {"model_type", unigram ? "unigram" : "bpe"},
      {"vocab_size", std::to_string(vocab_size)},
      {"character_coverage", fmt::format("{}", o.coverage)},
      {"num_threads", std::to_string(o.threads)},
      {"pad_id", "3"},  // after <unk>, <s> and </s>
      {"normalization_rule_name", o.lossy ? "nmt_nfkc" : "identity"},
      {"add_dummy_prefix", flag(o.lossy)},
      {"remove_extra_whitespaces", flag(o.lossy)},
      {"allow_whitespace_only_pieces", flag(!o.lossy)},
      {"byte_fallback", flag(!o.lossy)}};
  // With these characters as pieces, the `tokenizers` package also spells out the texts "<s>" and
  // "<0x0A>"; otherwise it would encode them as the pieces of those names.
  if (unigram) options["required_chars"] = o.lossy ? "</s>unkpad" : "</s>unkpad0x123456789ABCDEF";
  return options;
}

[[noreturn]] void fail(const std::string& message, int64_t vocab_size) {
  std::smatch match;
  if (std::regex_search(message, match,
                        std::regex("smaller than required_chars. \\d+ vs (\\d+)"))) {
    throw OptionError(fmt::format(
        "{} {} is too small for this text, whose characters, bytes and special tokens "
        "need {}: give more, or a lower {}",
        option_name("vocab-size"), vocab_size, match[1].str(), option_name("coverage")));
  }
  if (std::regex_search(message, match, std::regex("too high.*value <= (\\d+)"))) {
    throw OptionError(fmt::format("{} {} is too large for this text: give at most {}, or more text",
                                  option_name("vocab-size"), vocab_size, match[1].str()));
  }
  if (message.find("!sentences_.empty()") != std::string::npos) {
    throw std::runtime_error("no text to train on: the files hold nothing but reserved characters");
  }
  throw std::runtime_error(fmt::format("SentencePiece could not train: {}", message));
}

/// Rounds scores to steps of 1/64. Sums over some hundred thousand characters are then exact both
/// in the library's float and in the `tokenizers` package's double, so both find the same best path
/// and break ties alike. The rounding error, at most 0.008 nats, is far below a score's own error.
float round_score(float score) { return std::round(score * 64.0F) / 64.0F; }

}  // namespace

std::unique_ptr<Tokenizer> train_sentencepiece(const TokenizerTraining& options,
                                               TrainingText& text) {
  const int64_t vocab_size = wanted_vocab_size(options);
  Sentences sentences(text);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      library_options(options, vocab_size), &sentences, &model);
  if (!status.ok()) fail(status.message(), vocab_size);
  const bool unigram = options.kind == TokenizerKind::kSentencePieceUnigram;
  const auto edit = [&](SentencePieceModel::Piece& piece) {
    if (unigram) piece.score = round_score(piece.score);
    if (!options.lossy) piece.text = utf8::replace_all(piece.text, kMarkedSpace, " ");
  };
  model = rewrite_sentencepiece_model(model, edit, options.lossy);
  // The form in which it is read back from its folder: <s> and </s> are recognised in the text.
  nlohmann::json json = SentencePieceTokenizer(model).to_json();
  if (!options.specials) json["post_processor"] = nullptr;
  return std::make_unique<SentencePieceTokenizer>(std::move(model), json);
}

}  // namespace zoo
