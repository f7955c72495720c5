// Opens a folder for generation: model, tokenizer, and whether they belong together.
#include "infer/language_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "infer/decoding_threads.h"
#include "models/device.h"
#include "models/pretrained/gpt_checkpoint.h"

namespace zoo {
namespace {

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

LanguageModel load_language_model(const ModelChoice& choice, bool head_optional) {
  const auto device = prepare(choice);
  const GptConfig config = read_gpt_config(choice.folder);
  LanguageModel loaded{.model = load_gpt(choice.folder, {.device = device,
                                                         .attention = choice.attention,
                                                         .head_optional = head_optional}),
                       .tokenizer = load_tokenizer(choice.folder),
                       .eos_ids = {}};
  loaded.eos_ids = end_ids(config, *loaded.tokenizer);
  if (loaded.tokenizer->vocab_size() > loaded.model->options.vocab_size) {
    throw std::runtime_error(fmt::format(
        "{}: the tokenizer has {} tokens and the model {}; they do not belong together",
        choice.folder.string(), loaded.tokenizer->vocab_size(), loaded.model->options.vocab_size));
  }
  if (choice.threads == 0 && decodes_on_one_thread(*loaded.model)) set_threads(1);
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
