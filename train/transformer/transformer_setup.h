// From train_transformer's options to pairs, a tokenizer and a model.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/named_enum.h"
#include "models/transformer/transformer.h"
#include "train/data/synthetic_tasks.h"
#include "train/program/family.h"
#include "train/transformer/transformer_task.h"

namespace zoo {

enum class Architecture { kTransformer, kRecurrent };
template <>
struct EnumNames<Architecture> {
  static constexpr std::string_view what = "architecture";
  static constexpr std::pair<Architecture, std::string_view> values[] = {
      {Architecture::kTransformer, "transformer"}, {Architecture::kRecurrent, "recurrent"}};
};

/// Which pairs, and how they are cut into tokens and batches.
struct PairTextOptions {
  std::string data = "data/en-fr/train";
  std::string validation_data = "data/en-fr/valid";
  std::string source = "en", target = "fr";
  SyntheticOptions synthetic = {};
  std::string tokenizer = "sentencepiece-unigram";
  int64_t vocab_size = 8000;
  int64_t max_tokens = 100;
  double max_ratio = 3.0;
  bool keep_duplicates = false;
  PairTaskOptions task = {};
};

template <class Visitor>
void visit(PairTextOptions& o, Visitor&& v) {
  v("data", o.data, "Pairs: a .tsv, or the beginning of two files, data.SOURCE and data.TARGET");
  v("validation-data", o.validation_data, "Pairs to measure with (empty: none)");
  v("source", o.source, "Ending of the source's files: its language");
  v("target", o.target, "Ending of the target's files: its language");
  visit(o.synthetic, v);
  v("tokenizer", o.tokenizer,
    "Folder of a tokenizer, or a kind to train on both sides of the data: sentencepiece-unigram, "
    "sentencepiece-bpe, wordpiece, byte-bpe, character");
  v("vocab-size", o.vocab_size, "Ids of a tokenizer trained here (0: the kind's default)");
  v("max-tokens", o.max_tokens, "Pairs with a longer side are left out");
  v("max-ratio", o.max_ratio, "Pairs whose sides differ more in length are left out (0: none)");
  v("keep-duplicates", o.keep_duplicates, "Train on pairs that come twice, twice");
  v("batch-tokens", o.task.batch_tokens, "Tokens of a micro-batch, padding included");
  v("label-smoothing", o.task.label_smoothing,
    "Share of the target's probability spread over the vocabulary");
  v("decode-pairs", o.task.decode_pairs,
    "Validation pairs that are translated and scored at each evaluation (0: none)");
}

struct TransformerRunOptions {
  Architecture architecture = Architecture::kTransformer;
  TransformerOptions model;
  PairTextOptions text;
  TrainOptions train;
};

/// train_transformer, for run_training().
class TransformerFamily final : public Family {
 public:
  std::string name() const override { return "transformer"; }
  std::string description() const override;
  void declare(CLI::App& app) override;
  void apply_preset(const std::string& preset) override;
  void resolve(const TrainCommand& command) override;
  const TrainOptions& train_options() const override { return options_.train; }
  void prepare() override;
  std::unique_ptr<Task> make_task(const TrainCommand& command,
                                  const std::filesystem::path& new_run) override;
  Facts facts() const override { return facts_; }
  std::function<void(torch::nn::Module&, double)> gradient_dump(
      const std::filesystem::path& file) const override;

 private:
  std::unique_ptr<TranslationModel> make_model(const TrainCommand& command) const;
  PairData read_pairs();

  TransformerRunOptions options_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  Facts facts_;
  TransformerTask* task_ = nullptr;  // the trainer's, which lives as long as training
};

}  // namespace zoo
