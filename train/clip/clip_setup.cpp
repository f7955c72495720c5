// The order of checks: what the command line alone can get wrong comes first, then folders and
// captions, then the model.
#include "train/clip/clip_setup.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "app/cli.h"
#include "base/files.h"
#include "base/option_checks.h"
#include "infer/retrieval/clip_texts.h"
#include "models/device.h"
#include "models/pretrained/clip/clip_checkpoint.h"
#include "tokenizers/character.h"
#include "tokenizers/training/trainers.h"
#include "train/program/model_memory.h"
#include "train/program/setup.h"
#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

bool drawn(const ClipPairOptions& pairs) { return pairs.task == ClipDataKind::kShapes; }

void check(const ClipPairOptions& o) {
  check(o.contrast.augment);
  require_option(o.vocab_size >= 0, "vocab-size", o.vocab_size, "0 or more");
  require_option(o.validation_shapes >= 0, "validation-shapes", o.validation_shapes, "0 or more");
  require_option(o.contrast.batch_size >= 2, "batch-size", o.contrast.batch_size,
                 "2 or more: a pair is told apart from the others of its batch");
  require_option(o.contrast.chunk >= 0, "chunk", o.contrast.chunk, "0 or more");
  check_sentences(o.contrast.templates);
}

/// Options that the others give no meaning are refused.
void check_meaning(const ClipRunOptions& o, const TrainCommand& command) {
  if (drawn(o.pairs)) {
    const auto* const why = "to --task shapes, which draws its pictures and names them";
    refuse_changed(command, o.pairs, {"data", "validation-data", "vocab-size"}, why);
    if (!fs::is_directory(o.pairs.tokenizer)) refuse_changed(command, o.pairs, {"tokenizer"}, why);
  } else {
    refuse_changed(command, o.pairs, {"shapes", "validation-shapes"}, "without --task shapes");
    if (brings_tokenizer(o.pairs.tokenizer, command))
      note_changed(command, o.pairs, {"vocab-size"}, kBroughtTokenizer);
    else if (o.pairs.tokenizer == name_of(TokenizerKind::kCharacter))
      note_changed(command, o.pairs, {"vocab-size"}, "to --tokenizer character, which takes all");
  }
  if (o.pairs.contrast.augment.rand_augment == 0)
    note_changed(command, o.pairs, {"magnitude"}, "without --rand-augment");
  if (!o.model.has_logit_bias)
    refuse_changed(command, o.model, {"logit-bias"}, "without --has-logit-bias or --loss siglip");
  const bool cnn = o.model.image_tower == ImageTower::kCnn;
  const std::set<std::string_view> both = {"image-tower", "image-size", "image-width",
                                           "image-channels"};
  std::vector<std::string> others;
  ClipOptions model;
  visit(model, [&](std::string_view name, const auto&, std::string_view) {
    if (cnn ? name.starts_with("image-") && !both.contains(name) : name.starts_with("cnn-"))
      others.emplace_back(name);
  });
  refuse_changed(command, o.model, {others.begin(), others.end()},
                 cnn ? "to --image-tower cnn" : "to --image-tower vit");
}

/// What all pictures become before the model sees them.
void check_pictures(const VitOptions& o) {
  require_option(o.channels == 3, "image-channels", o.channels, "3: pictures are read in colour");
  require_option(o.image_width == 0 || o.image_width == o.image_size, "image-width", o.image_width,
                 "as --image-size: pictures are cut to squares");
}

/// All captions of the training pairs in a file of their own, for as long as a tokenizer is
/// trained.
class CaptionFile {
 public:
  explicit CaptionFile(const fs::path& pairs)
      : path_(fs::temp_directory_path() / fmt::format("zoo-captions-{}", ::getpid())) {
    std::string text;
    for (const auto& pair : read_caption_file(pairs))
      for (const auto& caption : pair.captions) text += caption + "\n";
    write_file(path_, text);
  }
  ~CaptionFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  CaptionFile(const CaptionFile&) = delete;
  CaptionFile& operator=(const CaptionFile&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// The letters of the drawn pictures' captions and of the sentences around names.
std::shared_ptr<const Tokenizer> shapes_tokenizer(const ClipPairOptions& pairs) {
  std::set<char> letters;
  const auto take = [&](const std::string& text) { letters.insert(text.begin(), text.end()); };
  for (const auto& captions : coloured_shapes({.examples = 640}, 0).captions)
    take(captions.front());
  for (const auto& sentence : pairs.contrast.templates)
    for (const char c : sentence)
      if (c > 0 && c != '{' && c != '}') letters.insert(c);
  std::u32string alphabet;
  for (const char c : letters) alphabet += static_cast<char32_t>(c);
  return std::make_shared<CharacterTokenizer>(alphabet,
                                              CharacterSpecials{.sequence = true, .unknown = true});
}

std::shared_ptr<const Tokenizer> make_tokenizer(const ClipPairOptions& pairs) {
  if (fs::is_directory(pairs.tokenizer)) return load_tokenizer(pairs.tokenizer);
  if (drawn(pairs)) return shapes_tokenizer(pairs);
  TokenizerTraining training{.vocab_size = pairs.vocab_size};
  try {
    training.kind = parse_enum<TokenizerKind>(pairs.tokenizer);
  } catch (const std::invalid_argument& e) {
    throw UsageError(fmt::format("--tokenizer: no such folder, and {}", e.what()));
  }
  if (training.kind == TokenizerKind::kCharacter) {
    training.sequence_tokens = training.unknown = true;
    training.vocab_size = 0;
  }
  const CaptionFile captions(pairs.data);
  return train_tokenizer(training, {captions.path()});
}

/// Pictures fill the square that the model sees; values from -1 to 1.
ImagePreprocessing preprocessing_for(const ClipOptions& model) {
  auto steps = default_preprocessing(ImageProcessor::kClip);
  const auto size = static_cast<int>(model.image.image_size);
  steps.shortest_edge = steps.crop_height = steps.crop_width = size;
  steps.mean = steps.std = {0.5, 0.5, 0.5};
  return steps;
}

}  // namespace

std::string ClipFamily::description() const {
  return "Train a CLIP (Radford et al. 2021) on pairs of images and texts.";
}

void ClipFamily::declare(CLI::App& app) {
  add_options(app, "Model", options_.model);
  add_options(app, "Data", options_.pairs);
  add_options(app, "Training", options_.train);
}

void ClipFamily::apply_preset(const std::string& preset) {
  options_.model = ClipOptions::preset(preset);
}

void ClipFamily::resolve(const TrainCommand& command) {
  auto& o = options_;
  check_usage([&] {
    check(o.train);
    check(o.pairs);
    if (drawn(o.pairs)) {
      for (const int64_t count : {o.pairs.shapes, std::max<int64_t>(o.pairs.validation_shapes, 1)})
        check(ShapesOptions{.image_size = o.model.image.image_size, .examples = count});
    }
    const auto device = find_device(o.train.device);
    check_kernel(o.model.image.attention, /*causal=*/false, o.model.image.attention_dropout,
                 device);
    check_kernel(o.model.text.attention, /*causal=*/true, o.model.text.attention_dropout, device);
    if (o.train.patience > 0 &&
        (drawn(o.pairs) ? o.pairs.validation_shapes == 0 : o.pairs.validation_data.empty()))
      throw std::invalid_argument("--patience needs pairs to measure with: set --validation-data");
    if (o.model.towers != ClipTowers::kBoth)
      throw std::invalid_argument("towers must be both: one tower alone has nothing to match");
  });
  note_unused(o.train, command);
  settle_length(o.train, command);
  const bool siglip = o.pairs.contrast.loss == ContrastiveLoss::kSigLip;
  if (siglip && !command.has("has-logit-bias")) o.model.has_logit_bias = true;
  if (!command.source().empty()) {
    const fs::path folder = shape_source(command);
    take_shape(o.model, resolved(read_clip_config(folder).options), folder, command,
               [](ClipOptions& options, const auto&) { options = resolved(options); });
    o.pairs.tokenizer = settled_tokenizer(o.pairs.tokenizer, folder, command);
    if (siglip && !o.model.has_logit_bias && !command.init_from.empty()) {
      throw UsageError(fmt::format(
          "--loss siglip: the model in '{}' has no bias; go on with --loss infonce, or train a new "
          "model",
          folder.string()));
    }
  }
  check_meaning(o, command);
  o.pairs.contrast.seed = o.train.seed;
  check_usage([&] {
    check_pictures(o.model.image);
    check(o.model);
  });
  check_memory(need_of(o.model), o.train, command);
}

void ClipFamily::prepare() {
  const auto& pairs = options_.pairs;
  if (!drawn(pairs)) {
    for (const auto& file : {pairs.data, pairs.validation_data}) {
      if (file.empty() || fs::is_regular_file(file)) continue;
      throw std::runtime_error(fmt::format(
          "no pairs at '{}'; name a file of lines picture<TAB>caption, or run scripts/get_data.sh "
          "emoji, or draw pictures with --task shapes",
          file));
    }
  }
  tokenizer_ = make_tokenizer(pairs);
  text_end_id(*tokenizer_);  // one clear error where it has none
}

CaptionedImages ClipFamily::read_pairs(bool validation) const {
  const auto& pairs = options_.pairs;
  if (drawn(pairs)) {
    const int64_t count = validation ? pairs.validation_shapes : pairs.shapes;
    if (count == 0) return {.concepts = shape_concepts()};
    const uint64_t seed = options_.train.seed;
    return coloured_shapes({.image_size = options_.model.image.image_size, .examples = count},
                           2 * seed + (validation ? 1 : 0));
  }
  const auto& file = validation ? pairs.validation_data : pairs.data;
  if (file.empty()) return {};
  return read_captioned_images(file, preprocessing_for(options_.model));
}

Clip ClipFamily::make_model(const TrainCommand& command) const {
  set_threads(options_.train.threads);
  ClipOptions shape = options_.model;
  if (command.source().empty()) {
    shape.text.vocab_size = tokenizer_->vocab_size();
    shape.end_token = text_end_id(*tokenizer_);
  }
  check_tokenizer_fits(tokenizer_->vocab_size(), shape.text.vocab_size, command.source());
  torch::manual_seed(options_.train.seed);
  Clip model(shape);
  // A resumed run's weights come with its state.
  if (command.resume.empty() && !command.source().empty())
    load_clip_weights(*model, checkpoint_of(command.source()));
  model->to(find_device(options_.train.device));
  return model;
}

std::unique_ptr<Task> ClipFamily::make_task(const TrainCommand& command, const fs::path& new_run) {
  if (new_run.empty()) tokenizer_ = load_tokenizer(shape_source(command));
  ClipData data{.training = read_pairs(false), .validation = read_pairs(true)};
  if (data.training.size() < 2) {
    throw std::runtime_error(
        fmt::format("'{}' holds one pair only: it takes two to tell apart", options_.pairs.data));
  }
  model_ = make_model(command);
  facts_ = {{"parameters", parameter_count(*model_)},
            {"vocabulary", fmt::format("{} ({})", tokenizer_->vocab_size(), tokenizer_->kind())},
            {"training", fmt::format("{} pictures of {} things", data.training.size(),
                                     data.training.concepts.size())},
            {"validation", fmt::format("{} pictures of {} things", data.validation.size(),
                                       data.validation.concepts.size())},
            {"device", describe_device(model_->logit_scale.device())}};
  if (const auto note = layout_note(model_->options); !note.empty())
    facts_.emplace_back("checkpoints", note);
  auto task = std::make_unique<ClipTask>(model_, tokenizer_, preprocessing_for(model_->options),
                                         std::move(data), options_.pairs.contrast);
  if (const auto chance = task->chance(); !chance.empty()) {
    const auto percent = [&](const std::string& name) { return 100.0 * chance.at(name); };
    facts_.emplace_back(
        "guessing", fmt::format("recall at 1, 5, 10: {:.2f} %, {:.2f} %, {:.2f} %; names {:.2f} %",
                                percent("recall_at_1"), percent("recall_at_5"),
                                percent("recall_at_10"), percent("zero_shot_accuracy")));
  }
  return task;
}

std::function<void(torch::nn::Module&, double)> ClipFamily::gradient_dump(
    const fs::path& file) const {
  const auto shape = model_->options;
  return dump_gradients([shape] { return Clip(shape).ptr(); }, clip_name_map(shape), file);
}

}  // namespace zoo
