// Reading and writing the shared parts of tokenizer.json.
#include "tokenizers/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "app/files.h"

namespace zoo {
namespace {

using nlohmann::json;

SpecialTemplate read_template_processing(const json& processor) {
  SpecialTemplate specials;
  bool text_seen = false;
  for (const json& step : processor.at("single")) {
    if (step.contains("Sequence")) {
      text_seen = true;
      continue;
    }
    const std::string name = step.at("SpecialToken").at("id");
    auto& side = text_seen ? specials.after : specials.before;
    for (const json& id : processor.at("special_tokens").at(name).at("ids")) {
      side.push_back(id.get<int32_t>());
    }
  }
  return specials;
}

OrderedJson added_token_to_json(const AddedToken& token) {
  // Not normalized: found in the text as it was given, before any rule has changed it.
  return {{"id", token.id},  {"content", token.text}, {"single_word", false},    {"lstrip", false},
          {"rstrip", false}, {"normalized", false},   {"special", token.special}};
}

OrderedJson tokenizer_config(const Tokenizer& tokenizer) {
  OrderedJson config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                        {"clean_up_tokenization_spaces", false}};
  const auto name_role = [&](const char* role, std::optional<int32_t> id) {
    if (id) config[role] = tokenizer.piece_of(*id);
  };
  name_role("bos_token", tokenizer.bos_id());
  name_role("eos_token", tokenizer.eos_id());
  name_role("unk_token", tokenizer.unk_id());
  name_role("pad_token", tokenizer.pad_id());
  return config;
}

}  // namespace

json read_tokenizer_json(const std::filesystem::path& path) {
  json parsed = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) {
    throw std::runtime_error(fmt::format("{}: not valid JSON; is the file whole?", path.string()));
  }
  if (!parsed.is_object() || !parsed.contains("model") || !parsed["model"].is_object() ||
      !parsed["model"].contains("type") || !parsed["model"]["type"].is_string()) {
    throw std::runtime_error(fmt::format(
        "{}: expected a tokenizer.json with \"model\": {{\"type\": ...}}, found other JSON",
        path.string()));
  }
  return parsed;
}

std::vector<AddedToken> read_added_tokens(const json& tokenizer_json) {
  std::vector<AddedToken> tokens;
  if (!tokenizer_json.contains("added_tokens")) return tokens;
  for (const json& entry : tokenizer_json["added_tokens"]) {
    const std::string text = entry.at("content");
    for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
      if (entry.value(flag, false)) {
        throw std::runtime_error(
            fmt::format("added token '{}' asks for {}, which is not supported", text, flag));
      }
    }
    tokens.push_back({entry.at("id").get<int32_t>(), text, entry.value("special", false)});
  }
  return tokens;
}

SpecialTemplate read_special_template(const json& tokenizer_json) {
  const json processor = tokenizer_json.value("post_processor", json());
  if (processor.is_null()) return {};
  const std::string type = processor.at("type");
  if (type != "TemplateProcessing") {
    throw std::runtime_error(fmt::format("post_processor {} is not supported", type));
  }
  return read_template_processing(processor);
}

OrderedJson template_to_json(const SpecialTemplate& specials, const Tokenizer& tokenizer) {
  if (specials.before.empty() && specials.after.empty()) return nullptr;
  OrderedJson names = OrderedJson::object();
  const auto steps = [&](const std::vector<int32_t>& ids, int type_id, OrderedJson& out) {
    for (const int32_t id : ids) {
      const std::string name = tokenizer.piece_of(id);
      out.push_back({{"SpecialToken", {{"id", name}, {"type_id", type_id}}}});
      names[name] = {{"id", name}, {"ids", {id}}, {"tokens", {name}}};
    }
  };
  const auto add_text = [&](const char* name, int type_id, OrderedJson& out) {
    steps(specials.before, type_id, out);
    out.push_back({{"Sequence", {{"id", name}, {"type_id", type_id}}}});
    steps(specials.after, type_id, out);
  };
  OrderedJson single = OrderedJson::array(), pair = OrderedJson::array();
  add_text("A", 0, single);
  add_text("A", 0, pair);
  add_text("B", 1, pair);
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", names}};
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
  write_file(folder / "tokenizer_config.json", tokenizer_config(tokenizer).dump(2) + "\n");
}

}  // namespace zoo
