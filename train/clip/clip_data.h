// The image-text pairs of train_clip: read from a file, or generated.
#pragma once
#include <memory>
#include <string>

#include "base/named_enum.h"
#include "models/clip/clip.h"
#include "models/images/preprocess.h"
#include "tokenizers/tokenizer.h"
#include "train/clip/clip_task.h"
#include "train/data/images/captioned_images.h"
#include "train/program/tokenizer_choice.h"
#include "train/program/validation.h"

namespace zoo {

enum class ClipDataKind { kFile, kShapes };
template <>
struct EnumNames<ClipDataKind> {
  static constexpr std::string_view what = "task";
  static constexpr std::pair<ClipDataKind, std::string_view> values[] = {
      {ClipDataKind::kFile, "none"}, {ClipDataKind::kShapes, "shapes"}};
};

struct ClipPairOptions {
  ClipDataKind task = ClipDataKind::kFile;
  int64_t shapes = 3200, validation_shapes = 320;
  std::string data = "data/emoji/pairs-train.tsv";
  ValidationData validation = {.path = "data/emoji/pairs-style.tsv", .of = "Pairs"};
  ClipTaskOptions contrast = {};  // the loss is the objective's, the seed the trainer's

  bool drawn() const { return task == ClipDataKind::kShapes; }
};

template <class Visitor>
void visit(ClipPairOptions& o, Visitor&& v) {
  v("task", o.task, "Drawn pictures instead of data: shapes");
  v("shapes", o.shapes, "Task shapes: pictures to train on");
  v("validation-shapes", o.validation_shapes, "Task shapes: pictures to evaluate with");
  v("data", o.data, "Pairs: a file of lines picture<TAB>caption<TAB>caption...");
  visit(o.validation, v);
  visit(o.contrast.augment, v);
  v("batch-size", o.contrast.batch_size,
    "Pairs of an update, which are told apart from each other");
  v("chunk", o.contrast.chunk,
    "Pairs in memory at once: gradients are computed in pieces (0: the whole batch)");
  v("templates", o.contrast.templates,
    "Sentences around a name, {} in its place, that zero-shot classification averages");
}

/// Throws std::invalid_argument for values out of range. `image_size`: of generated images.
void check(const ClipPairOptions& options, int64_t image_size);

/// Throws std::runtime_error if a named file is missing.
void require_pair_files(const ClipPairOptions& options);

/// Loads the tokenizer of a new run, or trains it on the captions.
std::shared_ptr<const Tokenizer> caption_tokenizer(const ClipPairOptions& options,
                                                   const TokenizerOptions& tokenizer);

/// Images fill the model's square input; values from -1 to 1.
ImagePreprocessing preprocessing_for(const ClipOptions& model);

/// Throws std::runtime_error for files that cannot be read, and for fewer than two training pairs.
ClipData read_clip_data(const ClipPairOptions& options, const ClipOptions& model, uint64_t seed);

}  // namespace zoo
