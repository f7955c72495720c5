// Opens a folder for generation: model, tokenizer, and whether they belong together.
#include "infer/language_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "app/cli.h"
#include "app/run_app.h"
#include "infer/decoding_threads.h"
#include "models/device.h"
#include "models/pretrained/gpt_checkpoint.h"

namespace zoo {
namespace {

void check_kernel(const std::string& name) {
  const auto known = attention_kernel_names();
  if (name.empty() || std::ranges::find(known, name) != known.end()) return;
  std::string list;
  for (const auto& kernel : known) list += (list.empty() ? "" : ", ") + kernel;
  throw UsageError(fmt::format("--attention: unknown kernel '{}'; known are: {}", name, list));
}

void check_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored)) {
    throw std::runtime_error(fmt::format("--model: there is no folder '{}'", folder.string()));
  }
  if (!std::filesystem::is_directory(folder, ignored)) {
    throw std::runtime_error(
        fmt::format("--model: '{}' is a file; name the folder that holds it", folder.string()));
  }
}

std::vector<int64_t> end_ids(const GptConfig& config, const Tokenizer& tokenizer) {
  std::vector<int64_t> ids = config.ids.eos;
  if (const auto eos = tokenizer.eos_id()) ids.push_back(*eos);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  // Only ids that both know: configurations of retrained models name tokens of the old vocabulary.
  std::erase_if(ids, [&](int64_t id) { return id < 0 || id >= tokenizer.vocab_size(); });
  return ids;
}

void check_no_unknown(const Tokenizer& tokenizer, std::string_view text, const Encoding& encoding) {
  const auto unknown = tokenizer.unk_id();
  if (!unknown) return;
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    if (encoding.ids[i] != *unknown) continue;
    const auto [begin, end] = encoding.offsets[i];
    const auto part = text.substr(begin, end - begin);
    if (part == tokenizer.piece_of(*unknown)) continue;  // asked for by name
    throw std::runtime_error(fmt::format(
        "prompt: '{}' at byte {} is not in the model's vocabulary; leave it out, or write {}", part,
        begin, tokenizer.piece_of(*unknown)));
  }
}

}  // namespace

void add_language_model_options(CLI::App& app, LanguageModelOptions& o) {
  const std::string group = "Model";
  add_option(app, group, "model", o.model, "Folder of a run or a checkpoint")->required();
  add_option(app, group, "device", o.device, "auto, cpu, cuda or cuda:N");
  add_option(app, group, "threads", o.threads,
             "Threads of the CPU (0: all cores; one for models below 10 million weights)");
  add_option(app, group, "attention", o.attention,
             "Attention kernel (empty: the checkpoint's choice)");
}

LanguageModel load_language_model(const LanguageModelOptions& o) {
  check_kernel(o.attention);
  set_threads(o.threads);
  const auto device = find_device(o.device);
  check_folder(o.model);
  const GptConfig config = read_gpt_config(o.model);
  LanguageModel loaded{
      .model = load_gpt(
          o.model, {.device = device, .attention = o.attention, .head_optional = o.head_optional}),
      .tokenizer = load_tokenizer(o.model),
      .eos_ids = {}};
  loaded.eos_ids = end_ids(config, *loaded.tokenizer);
  if (loaded.tokenizer->vocab_size() > loaded.model->options.vocab_size) {
    throw std::runtime_error(fmt::format(
        "{}: the tokenizer has {} tokens and the model {}; they do not belong together",
        o.model.string(), loaded.tokenizer->vocab_size(), loaded.model->options.vocab_size));
  }
  if (o.threads == 0 && decodes_on_one_thread(*loaded.model)) set_threads(1);
  return loaded;
}

int32_t start_id(const Tokenizer& tokenizer) {
  for (const auto id : {tokenizer.bos_id(), tokenizer.eos_id(), tokenizer.id_of("\n")}) {
    if (id) return *id;
  }
  throw std::runtime_error(
      "prompt: it is empty, and the tokenizer has no token that begins a text; give a prompt");
}

std::vector<int64_t> encode_prompt(const Tokenizer& tokenizer, std::string_view text,
                                   bool add_special) {
  const Encoding encoding = tokenizer.encode(text);
  check_no_unknown(tokenizer, text, encoding);
  std::vector<int64_t> ids(encoding.ids.begin(), encoding.ids.end());
  // Of the template only what stands before: what ends a text has no place before its continuation.
  const auto with_template = tokenizer.ids(text, {.add_special = add_special});
  const auto bos = tokenizer.bos_id();
  const bool begins = bos && !with_template.empty() && with_template.front() == *bos;
  if (begins && (ids.empty() || ids.front() != *bos)) ids.insert(ids.begin(), *bos);
  if (ids.empty()) ids.push_back(start_id(tokenizer));
  return ids;
}

}  // namespace zoo
