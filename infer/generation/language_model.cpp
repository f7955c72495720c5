// Opens a folder for generation: model, tokenizer, and whether they belong together.
#include "infer/generation/language_model.h"

#include <fmt/format.h>

#include <stdexcept>

#include "infer/generation/decoding_threads.h"
#include "infer/generation/generation_config.h"
#include "models/device.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"

namespace zoo {
namespace {

void check_no_unknown(const Tokenizer& tokenizer, std::string_view text, const Encoding& encoding) {
  const auto unknown = tokenizer.unk_id();
  if (!unknown) return;
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    if (encoding.ids[i] != *unknown || encoding.words[i] < 0) continue;  // the template's, or known
    const auto [begin, end] = encoding.offsets[i];
    const auto part = text.substr(begin, end - begin);
    if (part == tokenizer.piece_of(*unknown)) continue;  // asked for by name
    throw std::runtime_error(fmt::format(
        "prompt: '{}' at byte {} is not in the model's vocabulary; leave it out, or write {}", part,
        begin, tokenizer.piece_of(*unknown)));
  }
}

}  // namespace

LanguageModel load_language_model(const ModelChoice& choice, bool head_optional,
                                  const LengthOptions& lengths) {
  const auto device = prepare(choice);
  const GenerationConfig generation = read_generation_config(choice.folder);
  LanguageModel loaded{load_text_model(
      choice.folder,
      [&](const auto& folder) {
        return load_gpt(
            folder,
            {.device = device, .attention = choice.attention, .head_optional = head_optional},
            lengths);
      },
      [](const GptImpl& model) { return model.options.vocab_size; })};
  loaded.eos_ids = generation.ids.eos;
  loaded.bos = generation.ids.bos;
  loaded.prefix = generation.prefix;
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
                                   bool add_special, std::optional<int64_t> bos) {
  const Encoding encoding = tokenizer.encode(text, {.add_special = add_special});
  check_no_unknown(tokenizer, text, encoding);
  std::vector<int64_t> ids(encoding.ids.begin(), encoding.ids.end());
  if (ids.empty()) ids.push_back(bos ? *bos : start_id(tokenizer));
  return ids;
}

}  // namespace zoo
