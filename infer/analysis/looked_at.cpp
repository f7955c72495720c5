// Which family a folder holds, what that family looks at, and its tokens with labels.
#include "infer/analysis/looked_at.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "app/cli.h"
#include "base/usage_error.h"
#include "infer/generation/generation_config.h"
#include "infer/generation/language_model.h"
#include "infer/retrieval/clip_texts.h"
#include "infer/text_model.h"
#include "infer/translation/translator.h"
#include "infer/vision/picture_pixels.h"
#include "models/bert/bert_task.h"
#include "models/images/image.h"
#include "models/pretrained/all_models.h"
#include "models/pretrained/format/config_json.h"
#include "tokenizers/token_label.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// The flags that a family may get, the first of them needed.
using Flags = std::vector<std::string>;

void check_flags(const LookedAt& input, const fs::path& folder, const std::string& what,
                 const Flags& wanted) {
  const std::pair<const char*, bool> given[] = {{"text", input.text.has_value()},
                                                {"pair", input.pair.has_value()},
                                                {"source", input.source.has_value()},
                                                {"target", input.target.has_value()},
                                                {"image", !input.image.empty()}};
  const auto is_wanted = [&](const std::string& flag) {
    return std::ranges::find(wanted, flag) != wanted.end();
  };
  const auto sentence = [&] {
    return fmt::format("{} is {}; it looks at --{}", folder.string(), what,
                       fmt::join(wanted, " and --"));
  };
  bool any = false;
  for (const auto& [flag, is_given] : given) {
    if (is_given && !is_wanted(flag)) throw UsageError(fmt::format("--{}: {}", flag, sentence()));
    any = any || is_given;
  }
  if (!any) throw UsageError(fmt::format("nothing to look at: {}", sentence()));
}

void check_length(const std::string& flag, size_t tokens, int64_t context) {
  if (context == 0 || std::cmp_less_equal(tokens, context)) return;
  throw std::runtime_error(fmt::format("--{} has {} tokens, the model's context is {}; shorten it",
                                       flag, tokens, context));
}

LabelledTokens labelled(const Tokenizer& tokenizer, std::vector<int64_t> ids, int64_t vocab_size) {
  const std::vector<int32_t> narrow(ids.begin(), ids.end());
  check_token_rows(narrow, vocab_size, tokenizer);
  LabelledTokens tokens{.ids = std::move(ids)};
  for (const int64_t id : tokens.ids) tokens.labels.push_back(token_label(tokenizer, id));
  return tokens;
}

void read_gpt(const GptImpl& model, const fs::path& folder, const LookedAt& input,
              OpenedInput& opened) {
  check_flags(input, folder, "a decoder of text", {"text"});
  opened.tokenizer = load_tokenizer(folder);
  opened.text = gpt_tokens(model, *opened.tokenizer, *input.text, "text");
}

void read_bert(const BertImpl& model, const fs::path& folder, const LookedAt& input,
               OpenedInput& opened) {
  check_flags(input, folder, "an encoder of text", {"text", "pair"});
  if (!input.text) throw UsageError("--pair is the second text; give the first with --text");
  opened.tokenizer = load_tokenizer(folder);
  const EncodeOptions with_special{.add_special = true};
  const Encoding encoding =
      input.pair ? encode_pair(*opened.tokenizer, *input.text, *input.pair, with_special)
                 : opened.tokenizer->encode(*input.text, with_special);
  check_length(input.pair ? "text and --pair" : "text", encoding.ids.size(), model.options.context);
  opened.text = labelled(*opened.tokenizer, {encoding.ids.begin(), encoding.ids.end()},
                         model.options.vocab_size);
  opened.text.segments.assign(encoding.type_ids.begin(), encoding.type_ids.end());
}

/// What the decoder reads: the start token and the target, or the model's own translation.
std::vector<int64_t> target_ids(const Transformer& model, const Tokenizer& source,
                                const Tokenizer& target, const PairFormat& format,
                                const LookedAt& input) {
  std::vector<int64_t> ids = {format.start};
  if (input.target) {
    for (const int32_t id : target.ids(*input.target)) ids.push_back(id);
    return ids;
  }
  const auto decoded = translation_model(model);
  const Translator translator(*decoded, source, target, format);
  const auto made = translator.translate({*input.source});
  ids.insert(ids.end(), made.at(0).tokens.begin(), made.at(0).tokens.end());
  ids.pop_back();  // the last token was written after all others were read
  return ids;
}

void read_pair(const Transformer& model, const fs::path& folder, const LookedAt& input,
               OpenedInput& opened) {
  check_flags(input, folder, "an encoder-decoder", {"source", "target"});
  if (!input.source) throw UsageError("--target is the translation; give its text with --source");
  bool ours = false;
  read_config(folder, [&](const nlohmann::json& config) { ours = config.contains("zoo"); });
  const auto reads = load_tokenizer(folder);
  opened.tokenizer = load_tokenizer(folder, {.target = has_two_sides(folder)});
  const PairFormat format = folder_format(*reads, read_generation_config(folder).ids, ours);
  const auto& o = model->options;
  bool truncated = false;
  auto ids = source_ids(*reads, format, *input.source, 0, truncated);
  check_length("source", ids.size(), o.context);
  opened.source = labelled(*reads, std::move(ids), o.source_vocab_size);
  auto written = target_ids(model, *reads, *opened.tokenizer, format, input);
  check_length("target", written.size(), o.context);
  opened.target = labelled(*opened.tokenizer, std::move(written), o.vocab_size);
}

void see(const fs::path& folder, const fs::path& file, int64_t channels, int64_t height,
         int64_t width, OpenedInput& opened) {
  const Image image = read_image(file);
  const PicturePixels steps(folder, channels, height, width);
  opened.pixels = steps.of(image);
  opened.picture = resized_and_cropped(image, steps.steps());
}

void read_classifier(const ImageClassifier& model, const fs::path& folder, const LookedAt& input,
                     OpenedInput& opened) {
  check_flags(input, folder, "a model of images", {"image"});
  see(folder, input.image, model.channels(), model.image_height(), model.image_width(), opened);
}

LabelledTokens clip_text(const ClipImpl& model, const Tokenizer& tokenizer,
                         const std::string& text) {
  const GptOptions& o = model.options.text;
  const int64_t end =
      model.options.end_token >= 0 ? model.options.end_token : text_end_id(tokenizer);
  const auto ids = clip_tokens(tokenizer, {&text, 1}, end, int64_t{1} << 30)[0];  // [T]
  check_length("text", static_cast<size_t>(ids.size(0)), o.context);
  const auto* const first = ids.data_ptr<int64_t>();
  return labelled(tokenizer, {first, first + ids.size(0)}, o.vocab_size);
}

void read_clip(const ClipImpl& model, const fs::path& folder, const LookedAt& input,
               OpenedInput& opened) {
  Flags wanted;
  if (model.image) wanted.emplace_back("image");
  if (model.text) wanted.emplace_back("text");
  check_flags(input, folder,
              model.image_cnn ? "a CLIP whose image tower, a CNN, attends to nothing" : "a CLIP",
              wanted);
  if (!input.image.empty()) {
    const VitOptions& o = model.image->options;
    see(folder, input.image, o.channels, o.image_size, o.image_width, opened);
  }
  if (!input.text) return;
  opened.tokenizer = load_tokenizer(folder);
  opened.text = clip_text(model, *opened.tokenizer, *input.text);
}

void check_not_empty(const LookedAt& input) {
  const std::pair<const char*, const std::optional<std::string>*> texts[] = {
      {"text", &input.text}, {"pair", &input.pair}, {"source", &input.source}};
  for (const auto& [flag, text] : texts)
    if (*text && (*text)->empty()) throw UsageError(fmt::format("--{} must not be empty", flag));
}

std::string heading_of(const LookedAt& input, const OpenedInput& opened) {
  std::vector<std::string> parts;
  for (const auto* text : {&input.text, &input.pair, &input.source, &input.target})
    if (*text) parts.push_back(**text);
  if (!input.image.empty()) parts.push_back(input.image.filename().string());
  if (input.source && !input.target)
    parts.push_back(fmt::format("{}", fmt::join(opened.target.labels, " ")));
  return fmt::format("{}", fmt::join(parts, " | "));
}

bool any_given(const LookedAt& input) {
  return input.text || input.pair || input.source || input.target || !input.image.empty();
}

[[noreturn]] void refuse_headless(const std::string& where) {
  throw std::runtime_error(
      where +
      ": this kind of model has no attention heads (translate --page draws what a "
      "recurrent model attends to)");
}

void read_input(const fs::path& folder, const LookedAt& input, OpenedInput& opened) {
  if (const auto* gpt = opened.as<GptImpl>()) return read_gpt(*gpt, folder, input, opened);
  if (const auto* bert = opened.as<BertTaskModelImpl>())
    return read_bert(*bert->bert, folder, input, opened);
  if (auto pair = std::dynamic_pointer_cast<TransformerImpl>(opened.model))
    return read_pair(Transformer(std::move(pair)), folder, input, opened);
  if (opened.as<VitImpl>() != nullptr || opened.as<CctImpl>() != nullptr)
    return read_classifier(*opened.as<ImageClassifier>(), folder, input, opened);
  if (const auto* clip = opened.as<ClipImpl>(); clip != nullptr && (clip->image || clip->text))
    return read_clip(*clip, folder, input, opened);
  refuse_headless(folder.string());
}

}  // namespace

void add_input_options(CLI::App& app, LookedAt& input) {
  const std::string group = "Input";
  add_option(app, group, "text", input.text, "Text to look at (GPT, BERT, CLIP)");
  add_option(app, group, "pair", input.pair, "Second text of a pair (BERT)");
  add_option(app, group, "source", input.source, "Text to translate (encoder-decoder)");
  add_option(app, group, "target", input.target,
             "Its translation (unset: the model's own, greedy)");
  add_option(app, group, "image", input.image, "PNG or JPEG file (ViT, CCT, CLIP)");
}

LabelledTokens gpt_tokens(const GptImpl& model, const Tokenizer& tokenizer, const std::string& text,
                          const std::string& flag) {
  auto ids = encode_prompt(tokenizer, text);
  check_length(flag, ids.size(), model.options.context);
  return labelled(tokenizer, std::move(ids), model.options.vocab_size);
}

OpenedInput open_input(const ModelChoice& choice, const LookedAt& input,
                       const OpenOptions& options) {
  check_not_empty(input);
  const auto device = prepare(choice);
  OpenedInput opened;
  LoadedModel loaded = all_models()
                           .of_type(choice.folder)
                           .load(choice.folder, {.device = device,
                                                 .attention = choice.attention,
                                                 .head_optional = !options.needs_head});
  opened.model = std::move(loaded.module);
  opened.labels = std::move(loaded.labels);
  if (options.input_optional && !any_given(input)) return opened;
  read_input(choice.folder, input, opened);
  opened.heading = heading_of(input, opened);
  return opened;
}

AttentionMaps attention_maps(const OpenedInput& opened) {
  AttentionMaps maps;
  if (auto* gpt = opened.as<GptImpl>()) {
    maps = attention_maps(*gpt, opened.text);
  } else if (auto* bert = opened.as<BertTaskModelImpl>()) {
    maps = attention_maps(*bert->bert, opened.text);
  } else if (auto* pair = opened.as<TransformerImpl>()) {
    maps = attention_maps(*pair, opened.source, opened.target);
  } else if (auto* vit = opened.as<VitImpl>()) {
    maps = attention_maps(*vit, opened.pixels);
  } else if (auto* cct = opened.as<CctImpl>()) {
    maps = attention_maps(*cct, opened.pixels);
  } else if (auto* clip = opened.as<ClipImpl>()) {
    maps = attention_maps(*clip, opened.pixels, opened.text);
  } else {
    refuse_headless("attention_map");
  }
  maps.input = opened.heading;
  maps.picture = opened.picture;
  return maps;
}

}  // namespace zoo
