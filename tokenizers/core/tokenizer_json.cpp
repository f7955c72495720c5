// Reading and writing the shared parts of tokenizer.json.
#include "tokenizers/core/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>

#include "base/files.h"
#include "tokenizers/algorithms/subword_model.h"
#include "tokenizers/stages/json_fields.h"

namespace zoo {
namespace {

using nlohmann::json;

OrderedJson added_token_to_json(const AddedToken& token) {
  return {{"id", token.id},          {"content", token.text},  {"single_word", token.single_word},
          {"lstrip", token.lstrip},  {"rstrip", token.rstrip}, {"normalized", token.normalized},
          {"special", token.special}};
}

}  // namespace

std::string make_tokenizer_config(const Tokenizer& tokenizer) {
  OrderedJson config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                        {"clean_up_tokenization_spaces", false}};
  const auto name_role = [&](const char* role, std::optional<int32_t> id) {
    if (id) config[role] = tokenizer.piece_of(*id);
  };
  name_role("bos_token", tokenizer.bos_id());
  name_role("eos_token", tokenizer.eos_id());
  name_role("unk_token", tokenizer.unk_id());
  name_role("sep_token", tokenizer.sep_id());
  name_role("pad_token", tokenizer.pad_id());
  name_role("cls_token", tokenizer.cls_id());
  name_role("mask_token", tokenizer.mask_id());
  return config.dump(2) + "\n";
}

json parse_tokenizer_json(std::string_view text) {
  json parsed = fields::parse(text);
  if (parsed.is_discarded()) throw std::runtime_error("not valid JSON; is the file whole?");
  const auto model = parsed.is_object() ? parsed.find("model") : parsed.end();
  if (!parsed.is_object() || model == parsed.end() || !model->is_object()) {
    throw std::runtime_error(
        "expected a tokenizer.json with a \"model\": {...} in it, found other JSON");
  }
  (*model)["type"] = type_of_model(*model);
  return parsed;
}

std::vector<AddedToken> read_added_tokens(const json& tokenizer_json) {
  std::vector<AddedToken> tokens;
  const auto entries = tokenizer_json.find("added_tokens");
  if (entries == tokenizer_json.end() || entries->is_null()) return tokens;
  for (const json& entry : *entries) {
    const auto id = entry.at("id").get<int64_t>();
    if (id < 0 || id > INT32_MAX) {
      throw std::runtime_error(fmt::format("added token id {} is out of range", id));
    }
    tokens.push_back({.id = static_cast<int32_t>(id),
                      .text = entry.at("content").get<std::string>(),
                      .special = entry.value("special", false),
                      .single_word = entry.value("single_word", false),
                      .lstrip = entry.value("lstrip", false),
                      .rstrip = entry.value("rstrip", false),
                      .normalized = entry.value("normalized", false)});
  }
  return tokens;
}

OrderedJson make_tokenizer_json(const TokenizerJson& parts, std::vector<AddedToken> added) {
  std::sort(added.begin(), added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  OrderedJson added_json = OrderedJson::array();
  for (const AddedToken& token : added) added_json.push_back(added_token_to_json(token));
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added_json},
          {"normalizer", parts.normalizer},
          {"pre_tokenizer", parts.pre_tokenizer},
          {"post_processor", parts.post_processor},
          {"decoder", parts.decoder},
          {"model", parts.model}};
}

void write_tokenizer_json(const std::filesystem::path& folder, const OrderedJson& whole,
                          const Tokenizer& tokenizer) {
  write_file(folder / "tokenizer.json", whole.dump(1) + "\n");
  write_file(folder / "tokenizer_config.json", make_tokenizer_config(tokenizer));
}

}  // namespace zoo
