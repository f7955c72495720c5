// From train_bert's options to sentences, a tokenizer and a model.
#pragma once
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "models/bert/bert.h"
#include "train/bert/bert_data.h"
#include "train/bert/bert_task.h"
#include "train/program/family.h"

namespace zoo {

/// Which text, and what is learnt from it.
struct BertTextOptions {
  std::string data = "data/tinyshakespeare/input.txt";
  std::string tokenizer = "wordpiece";
  int64_t vocab_size = 8000;
  std::string validation_data;
  double validation_share = 0.1;
  PreTrainingOptions task = {};    // the seed is the trainer's
  double generator_share = 0.25;   // of the discriminator's heads
  double detection_weight = 50.0;  // Clark et al. 2020, §3.1
};

template <class Visitor>
void visit(BertTextOptions& o, Visitor&& v) {
  v("data", o.data, "Text file or folder, a sentence a line; or a file of labelled texts");
  v("objective", o.task.objective, "What is learnt");
  v("tokenizer", o.tokenizer, "Folder of a tokenizer, or wordpiece: trained on the data");
  v("vocab-size", o.vocab_size, "Ids of a tokenizer trained here (0: the kind's default)");
  v("validation-data", o.validation_data,
    "Labelled texts to measure with (empty: a share of data)");
  v("validation-share", o.validation_share,
    "Share of the data to measure with: the last sentences, or labelled texts drawn by the seed");
  v("batch-size", o.task.batches.rows, "Sequences of a micro-batch");
  v("mask-share", o.task.batches.masking.share, "Share of the tokens to predict");
  v("whole-words", o.task.batches.masking.whole_words, "Mask all pieces of a word together");
  v("static-masks", o.task.batches.static_masks,
    "One mask a sequence for good, instead of new ones");
  v("generator-share", o.generator_share, "ELECTRA: the generator's share of heads and width");
  v("detection-weight", o.detection_weight, "ELECTRA: weight of the discriminator's loss");
}

struct BertRunOptions {
  BertOptions model;
  BertTextOptions text;
  TrainOptions train;
};

/// train_bert, for run_training().
class BertTraining final : public Family {
 public:
  std::string name() const override { return "bert"; }
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
  BertTaskModel make_model(const TrainCommand& command, const std::vector<std::string>& labels);
  BertDataOptions data_options() const;
  std::unique_ptr<Task> make_pre_training(const TrainCommand& command);
  std::unique_ptr<Task> make_electra(const TrainCommand& command);
  std::unique_ptr<Task> make_classifier(const TrainCommand& command);
  BertOptions new_shape(const TrainCommand& command) const;
  void note_new_parts(const TrainCommand& command, const std::set<std::string>& parts);
  void add_facts(const torch::nn::Module& model, const std::string& training,
                 const std::string& validation);

  BertRunOptions options_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  BertTaskModel model_{nullptr};  // the task's
  Facts facts_;
};

}  // namespace zoo
