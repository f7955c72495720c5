// train_transformer: its options and objectives.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "models/transformer/transformer.h"
#include "train/data/synthetic_tasks.h"
#include "train/program/table.h"
#include "train/program/training.h"
#include "train/program/validation.h"
#include "train/transformer/architecture.h"
#include "train/transformer/transformer_task.h"

namespace zoo {

/// The text pairs, their tokenization and their batches.
struct PairTextOptions {
  std::string data = "data/en-fr/train";
  ValidationData validation = {.path = "data/en-fr/valid", .of = "Pairs"};
  std::string source = "en", target = "fr";
  SyntheticOptions synthetic = {};
  int64_t max_tokens = 100;
  double max_ratio = 3.0;
  bool keep_duplicates = false;
  PairTaskOptions task = {};
};

template <class Visitor>
void visit(PairTextOptions& o, Visitor&& v) {
  v("data", o.data, "Pairs: a .tsv, or the beginning of two files, data.SOURCE and data.TARGET");
  visit(o.validation, v);
  v("source", o.source, "Ending of the source's files: its language");
  v("target", o.target, "Ending of the target's files: its language");
  visit(o.synthetic, v);
  v("max-tokens", o.max_tokens, "Pairs with a longer side are left out");
  v("max-ratio", o.max_ratio, "Pairs whose sides differ more in length are left out (0: none)");
  v("keep-duplicates", o.keep_duplicates, "Keep pairs that occur more than once");
  v("batch-tokens", o.task.batch_tokens, "Tokens of a micro-batch, padding included");
  v("label-smoothing", o.task.label_smoothing,
    "Share of the target's probability spread over the vocabulary");
  v("decode-pairs", o.task.decode_pairs,
    "Validation pairs that are translated and scored at each evaluation (0: none)");
}

class TransformerTraining final : public Training {
 public:
  TransformerTraining();
  void apply_preset(const std::string& preset) override {
    model_ = TransformerOptions::preset(preset);
  }

 private:
  void declare_options(CLI::App& app) override;
  std::vector<Objective> objectives() override;
  void check_options() const override;
  std::vector<AttentionUse> attention() const override;
  int64_t& batch() override { return pairs_.task.batch_tokens; }
  void settle_options() override;
  void take_model(const std::filesystem::path& folder) override;
  void check_model() override;
  ModelCost cost() const override { return architecture().cost(model_); }
  NameMap names_on_disk() const override;

  const Architecture& architecture() const {
    return find_row(architectures(), "architecture", architecture_);
  }
  bool synthetic() const { return pairs_.synthetic.task != SyntheticTask::kNone; }
  void prepare();
  ParallelText read_text(bool validation) const;
  std::unique_ptr<Task> make_pair_task();

  std::string architecture_{architectures().front().name};
  TransformerOptions model_;
  PairTextOptions pairs_;
  TransformerTask* task_ = nullptr;  // owned by the trainer; lives as long as training
};

}  // namespace zoo
