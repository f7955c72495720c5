#include "train/clip/clip_data.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "base/files.h"
#include "base/option_checks.h"
#include "infer/retrieval/clip_texts.h"
#include "tokenizers/character.h"
#include "tokenizers/training/trainers.h"
#include "train/data/images/coloured_shapes.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

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

CaptionedImages read_pairs(const ClipPairOptions& pairs, const ClipOptions& model, uint64_t seed,
                           bool validation) {
  if (pairs.drawn()) {
    const int64_t count = validation ? pairs.validation_shapes : pairs.shapes;
    if (count == 0) return {.concepts = shape_concepts()};
    return coloured_shapes({.image_size = model.image.image_size, .examples = count},
                           2 * seed + (validation ? 1 : 0));
  }
  const auto& file = validation ? pairs.validation.path : pairs.data;
  if (file.empty()) return {};
  return read_captioned_images(file, preprocessing_for(model));
}

}  // namespace

void check(const ClipPairOptions& o, int64_t image_size) {
  check(o.contrast.augment);
  require_option(o.validation_shapes >= 0, "validation-shapes", o.validation_shapes, "0 or more");
  require_option(o.contrast.batch_size >= 2, "batch-size", o.contrast.batch_size,
                 "2 or more: a pair is told apart from the others of its batch");
  require_option(o.contrast.chunk >= 0, "chunk", o.contrast.chunk, "0 or more");
  check_sentences(o.contrast.templates);
  if (!o.drawn()) return;
  for (const int64_t count : {o.shapes, std::max<int64_t>(o.validation_shapes, 1)})
    check(ShapesOptions{.image_size = image_size, .examples = count});
}

void require_pair_files(const ClipPairOptions& pairs) {
  if (pairs.drawn()) return;
  for (const auto& file : {pairs.data, pairs.validation.path}) {
    if (file.empty() || fs::is_regular_file(file)) continue;
    throw std::runtime_error(fmt::format(
        "no pairs at '{}'; name a file of lines picture<TAB>caption, or run scripts/get_data.sh "
        "emoji, or draw pictures with --task shapes",
        file));
  }
}

std::shared_ptr<const Tokenizer> caption_tokenizer(const ClipPairOptions& pairs,
                                                   const TokenizerOptions& tokenizer) {
  if (pairs.drawn() && !fs::is_directory(tokenizer.tokenizer)) return shapes_tokenizer(pairs);
  return make_tokenizer(tokenizer, [&](const TokenizerTraining& options) {
    const CaptionFile captions(pairs.data);
    return train_tokenizer(options, {captions.path()});
  });
}

ImagePreprocessing preprocessing_for(const ClipOptions& model) {
  auto steps = default_preprocessing(ImageProcessor::kClip);
  const auto size = static_cast<int>(model.image.image_size);
  steps.shortest_edge = steps.crop_height = steps.crop_width = size;
  steps.mean = steps.std = {0.5, 0.5, 0.5};
  return steps;
}

ClipData read_clip_data(const ClipPairOptions& pairs, const ClipOptions& model, uint64_t seed) {
  ClipData data{.training = read_pairs(pairs, model, seed, /*validation=*/false),
                .validation = read_pairs(pairs, model, seed, /*validation=*/true)};
  if (data.training.size() < 2) {
    throw std::runtime_error(
        fmt::format("'{}' holds one pair only: it takes two to tell apart", pairs.data));
  }
  return data;
}

}  // namespace zoo
