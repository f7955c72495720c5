// From train_clip's options to pairs of images and texts, a tokenizer and a model.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "models/clip/clip.h"
#include "train/clip/clip_task.h"
#include "train/data/images/coloured_shapes.h"
#include "train/program/family.h"

namespace zoo {

enum class ClipDataKind { kFile, kShapes };
template <>
struct EnumNames<ClipDataKind> {
  static constexpr std::string_view what = "task";
  static constexpr std::pair<ClipDataKind, std::string_view> values[] = {
      {ClipDataKind::kFile, "none"}, {ClipDataKind::kShapes, "shapes"}};
};

/// Which pairs, and how they are read.
struct ClipPairOptions {
  ClipDataKind task = ClipDataKind::kFile;
  int64_t shapes = 3200, validation_shapes = 320;
  std::string data = "data/emoji/pairs-train.tsv";
  std::string validation_data = "data/emoji/pairs-style.tsv";
  std::string tokenizer = "sentencepiece-unigram";
  int64_t vocab_size = 2000;
  ClipTaskOptions contrast = {};  // the seed is the trainer's
};

template <class Visitor>
void visit(ClipPairOptions& o, Visitor&& v) {
  v("task", o.task, "Drawn pictures instead of data: shapes");
  v("shapes", o.shapes, "Task shapes: pictures to train on");
  v("validation-shapes", o.validation_shapes, "Task shapes: pictures to measure with");
  v("data", o.data, "Pairs: a file of lines picture<TAB>caption<TAB>caption...");
  v("validation-data", o.validation_data, "Pairs to measure with (empty: none)");
  v("tokenizer", o.tokenizer,
    "Folder of a tokenizer, or a kind to train on the captions: sentencepiece-unigram, "
    "sentencepiece-bpe, wordpiece, character");
  v("vocab-size", o.vocab_size, "Ids of a tokenizer trained here (0: the kind's default)");
  v("loss", o.contrast.loss, "What a batch is judged by");
  visit(o.contrast.augment, v);
  v("batch-size", o.contrast.batch_size, "Pairs that are told apart in one update");
  v("chunk", o.contrast.chunk,
    "Pairs in memory at once: gradients are computed in pieces (0: the whole batch)");
  v("templates", o.contrast.templates,
    "Sentences around a name, {} in its place, that zero-shot classification averages");
}

struct ClipRunOptions {
  ClipOptions model = ClipOptions::tiny();
  ClipPairOptions pairs;
  TrainOptions train;
};

/// train_clip, for run_training().
class ClipFamily final : public Family {
 public:
  std::string name() const override { return "clip"; }
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
  CaptionedImages read_pairs(bool validation) const;
  Clip make_model(const TrainCommand& command) const;

  ClipRunOptions options_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  Clip model_{nullptr};  // the task's
  Facts facts_;
};

}  // namespace zoo
