// tokenizer.json, the file that the `tokenizers` package of Python reads: the parts that all kinds
// share.
#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "tokenizers/added_tokens.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

/// What `add_special` puts around a text.
struct SpecialTemplate {
  std::vector<int32_t> before, after;
};

/// A parsed tokenizer.json. Throws std::runtime_error that names the file.
nlohmann::json read_tokenizer_json(const std::filesystem::path& path);

/// Throws std::runtime_error where a token asks for what the zoo does not do (lstrip, ...).
std::vector<AddedToken> read_added_tokens(const nlohmann::json& tokenizer_json);

/// The post-processor's template for one text; a null post-processor gives an empty one.
SpecialTemplate read_special_template(const nlohmann::json& tokenizer_json);

/// Keeps keys in the order written, as people read them. Appending to `object` avoids its linear
/// search for a key.
using OrderedJson = nlohmann::ordered_json;

/// The parts of a tokenizer.json that differ between kinds; null where there is none.
struct TokenizerJson {
  OrderedJson normalizer, pre_tokenizer, post_processor, decoder, model;
};

OrderedJson template_to_json(const SpecialTemplate& specials, const Tokenizer& tokenizer);

OrderedJson make_tokenizer_json(const TokenizerJson& parts, std::vector<AddedToken> added);

/// Writes tokenizer.json and tokenizer_config.json (which AutoTokenizer of `transformers` reads).
void write_tokenizer_json(const std::filesystem::path& folder, const OrderedJson& whole,
                          const Tokenizer& tokenizer);

}  // namespace zoo
