// train_bert: its options and objectives.
#pragma once
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "models/bert/bert.h"
#include "models/bert/bert_task.h"
#include "models/cost/bert_cost.h"
#include "train/bert/bert_data.h"
#include "train/data/masked_text_batches.h"
#include "train/program/training.h"
#include "train/program/validation.h"

namespace zoo {

struct BertTextOptions {
  std::string data = "data/tinyshakespeare/input.txt";
  ValidationData validation_data = {.of = "Labelled texts"};
  ValidationShare validation = {.of = "the data, the last sentences or random labelled texts,"};
  MaskedBatchOptions batches = {};  // the seed is the trainer's
  double generator_share = 0.25;    // of the discriminator's heads
  double detection_weight = 50.0;   // Clark et al. 2020, §3.1
};

template <class Visitor>
void visit(BertTextOptions& o, Visitor&& v) {
  v("data", o.data, "Text file or folder, a sentence a line; or a file of labelled texts");
  visit(o.validation_data, v);
  visit(o.validation, v);
  v("batch-size", o.batches.rows, "Sequences of a micro-batch");
  v("mask-share", o.batches.masking.share, "Share of the tokens to predict");
  v("whole-words", o.batches.masking.whole_words, "Mask all pieces of a word together");
  v("static-masks", o.batches.static_masks,
    "Mask each sequence once and for all, instead of anew in each epoch");
  v("generator-share", o.generator_share,
    "ELECTRA: heads and widths of the generator, as a share of the model's");
  v("detection-weight", o.detection_weight, "ELECTRA: weight of the discriminator's loss");
}

class BertTraining final : public Training {
 public:
  BertTraining();
  void apply_preset(const std::string& preset) override { model_ = BertOptions::preset(preset); }

 private:
  /// An objective, and what it requires of the model and the data.
  struct Row {
    std::string_view name, what;
    BertTask heads = BertTask::kMaskedLm;
    std::vector<std::string_view> options = {};
    std::unique_ptr<Task> (BertTraining::*make_task)() = nullptr;
    SentencePairs pairs = SentencePairs::kNone;  ///< how sentences are packed
    std::vector<BertFamily> families = {};       ///< that can learn it; empty: all
    bool labelled = false;                       ///< learns from labelled texts, not from sentences
  };
  static const std::vector<Row>& rows();
  const Row& row() const;

  void declare_options(CLI::App& app) override;
  std::vector<Objective> objectives() override;
  void check_options() const override;
  std::vector<AttentionUse> attention() const override;
  int64_t& batch() override { return text_.batches.rows; }
  void settle_options() override;
  void take_model(const std::filesystem::path& folder) override;
  void check_model() override;
  ModelCost cost() const override { return cost_of(model_, model_.context); }
  NameMap names_on_disk() const override;

  void settle_pooler();
  void settle_position_padding();
  void prepare();
  BertDataOptions data_options() const;
  KnownLabels known_labels() const;
  void note_new_parts(const std::set<std::string>& parts);
  BertTaskModel make_model(const std::vector<std::string>& labels = {});
  std::unique_ptr<Task> make_sentence_task(bool permuted);
  std::unique_ptr<Task> make_classifier(ClassifierData data);

  // Objectives.
  std::unique_ptr<Task> masked_lm() { return make_sentence_task(/*permuted=*/false); }
  std::unique_ptr<Task> permuted_lm() { return make_sentence_task(/*permuted=*/true); }
  std::unique_ptr<Task> replaced_tokens();
  std::unique_ptr<Task> classify_text();
  std::unique_ptr<Task> classify_tokens();

  BertOptions model_;
  BertTextOptions text_;
  BertTaskModel trained_{nullptr};
};

}  // namespace zoo
