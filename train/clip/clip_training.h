// train_clip: its options and objectives.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/clip/clip.h"
#include "models/cost/clip_cost.h"
#include "train/clip/clip_data.h"
#include "train/clip/clip_task.h"
#include "train/program/training.h"

namespace zoo {

class ClipTraining final : public Training {
 public:
  ClipTraining();
  void apply_preset(const std::string& preset) override { model_ = ClipOptions::preset(preset); }

 private:
  /// An objective, and what it requires of the model.
  struct Row {
    std::string_view name, what;
    ContrastiveLoss loss = nullptr;
    bool has_bias = false;  ///< on the scores
  };
  static const std::vector<Row>& rows();
  const Row& row() const;

  void declare_options(CLI::App& app) override;
  std::vector<Objective> objectives() override;
  void check_options() const override;
  std::vector<AttentionUse> attention() const override;
  int64_t& batch() override { return pairs_.contrast.batch_size; }
  void settle_options() override;
  void take_model(const std::filesystem::path& folder) override;
  void check_model() override;
  ModelCost cost() const override { return cost_of(model_, model_.text.context); }
  NameMap names_on_disk() const override;

  void refuse_other_kinds() const;
  void prepare();
  Clip make_model();
  std::unique_ptr<Task> make_contrastive_task();

  ClipOptions model_ = ClipOptions::tiny();
  ClipPairOptions pairs_;
};

}  // namespace zoo
