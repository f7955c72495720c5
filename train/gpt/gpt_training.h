// train_gpt: its options and objectives.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "models/cost/gpt_cost.h"
#include "models/gpt/gpt.h"
#include "models/gpt/length_options.h"
#include "train/data/synthetic_tasks.h"
#include "train/gpt/gpt_task.h"
#include "train/program/training.h"
#include "train/program/validation.h"

namespace zoo {

struct GptDataOptions {
  std::string data = "data/tinyshakespeare/input.txt";
  ValidationShare validation = {.of = "the text's end"};
  TextOptions text = {};
  SyntheticOptions synthetic = {};
};

template <class Visitor>
void visit(GptDataOptions& o, Visitor&& v) {
  v("data", o.data, "UTF-8 text file, folder of them, or token stream (*.tokens)");
  visit(o.validation, v);
  visit(o.text, v);
  visit(o.synthetic, v);
}

class GptTraining final : public Training {
 public:
  GptTraining();
  void apply_preset(const std::string& preset) override { model_ = GptOptions::preset(preset); }

 private:
  void declare_options(CLI::App& app) override;
  std::vector<Objective> objectives() override;
  void check_options() const override;
  std::vector<AttentionUse> attention() const override;
  std::string implied_objective() const override;
  int64_t& batch() override { return data_.text.batch_size; }
  void settle_options() override;
  void scale_for_sinusoids();
  void take_model(const std::filesystem::path& folder) override;
  LengthOptions asked_lengths();
  void check_model() override { check(model_); }
  ModelCost cost() const override { return cost_of(model_, model_.context); }
  NameMap names_on_disk() const override;

  /// Builds the module, and describes it and its data.
  Gpt make_model(const std::string& training, const std::string& validation);

  /// Throws std::invalid_argument if even the residual stream of a batch does not fit into memory.
  void check_batch(int64_t rows, int64_t tokens) const;

  void prepare_text();
  std::unique_ptr<Task> make_text_task(const std::filesystem::path& new_run);
  void check_questions() const;
  void prepare_questions();
  std::unique_ptr<Task> make_answer_task();

  GptOptions model_;
  GptDataOptions data_;
};

}  // namespace zoo
