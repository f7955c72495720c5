// Multilingual translation: mBART (Liu et al. 2020, arXiv:2001.08210), mBART-50, and NLLB
// (arXiv:2207.04672). The code of the source language (src_lang) is a token before or after the
// text.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "tokenizers/auto/class_rules.h"
#include "tokenizers/auto/sentencepiece_stages.h"

namespace zoo {
namespace {

using namespace sentencepiece_stages;
using nlohmann::json;
using Model = ClassRules::Model;

#include "tokenizers/auto/language_codes_data.inc"

using Codes = std::vector<std::string_view>;

std::string source_language(const ClassInput& in, const char* fallback) {
  const auto found = in.settings.values.find("src_lang");
  if (found == in.settings.values.end() || found->is_null()) return fallback;
  if (found->is_string()) return found->get<std::string>();
  throw std::runtime_error("tokenizer_config.json: src_lang must be the code of a language");
}

void add_codes(const Codes& codes, TokenizerSettings::Tokens& tokens) {
  for (const std::string_view code : codes) tokens.push_back(TokenSpec::of(std::string(code)));
}

/// The language's code before or after the texts, and the end token.
std::function<json(const TokenIds&)> language_and_end(const std::string& language,
                                                      const std::string& eos, bool before) {
  return [=](const TokenIds& id_of) {
    if (before) {
      return template_json({{language}, {"$A"}, {eos}}, {{language}, {"$A"}, {"$B"}, {eos}}, id_of);
    }
    return template_json({{"$A"}, {eos}, {language}}, {{"$A"}, {"$B"}, {eos}, {language}}, id_of);
  };
}

void common_tokens(ClassInput& in) {
  in.default_tokens({{"sep_token", "</s>"},
                     {"cls_token", "<s>"},
                     {"unk_token", "<unk>"},
                     {"pad_token", "<pad>"},
                     {"mask_token", "<mask>"}});
}

ClassParts mbart(ClassInput& in) {
  const Codes codes(std::begin(kMBartLanguages), std::end(kMBartLanguages));
  in.optional_token("bos_token", "<s>");
  const std::string eos = in.token("eos_token", "</s>");
  common_tokens(in);
  fairseq_order(in, "bos_token", codes);
  in.strip_left_of("mask_token");
  TokenizerSettings::Tokens tokens;
  add_codes(codes, tokens);
  for (const TokenSpec& token : in.additional().value_or(TokenizerSettings::Tokens{})) {
    const bool known = std::find(codes.begin(), codes.end(), token.text) != codes.end();
    if (!known) tokens.push_back(token);
  }
  in.additional() = std::move(tokens);
  ClassParts parts = unigram_on_words(in, "always", 3);
  parts.own_post_processor = language_and_end(source_language(in, "en_XX"), eos, false);
  return parts;
}

/// A vocabulary without codes is that of a .model and gets them.
void add_fifty_languages(ClassInput& in, const Codes& codes) {
  const auto is_code = [&](const json& piece) {
    return std::find(codes.begin(), codes.end(), piece.at(0).get<std::string>()) != codes.end();
  };
  if (std::any_of(in.source.vocab.begin(), in.source.vocab.end(), is_code)) return;
  in.source.from_model = true;
  fairseq_order(in, "cls_token", codes);
}

ClassParts mbart50(ClassInput& in) {
  const Codes codes(std::begin(kMBart50Languages), std::end(kMBart50Languages));
  const std::string eos = in.token("eos_token", "</s>");
  common_tokens(in);
  if (in.source.from_model) fairseq_order(in, "cls_token", codes);
  add_fifty_languages(in, codes);
  in.strip_left_of("mask_token");
  add_codes(codes, in.additional() ? *in.additional() : in.additional().emplace());
  const std::string language = source_language(in, "en_XX");
  if (std::find(codes.begin(), codes.end(), language) == codes.end()) {
    throw std::runtime_error(fmt::format(
        "tokenizer_config.json: src_lang '{}' is none of mBART-50's codes, such as en_XX",
        language));
  }
  ClassParts parts = unigram_on_text(in, "always", 3);
  parts.normalizer = charsmap_and_one_space(in);
  parts.own_post_processor = language_and_end(language, eos, true);
  return parts;
}

/// The four special tokens first, then the others in the order of the .model.
void nllb_order(ClassInput& in) {
  if (!in.source.from_model) return;
  json order = json::object();
  for (const char* role : {"bos_token", "pad_token", "eos_token", "unk_token"}) {
    order.emplace(*in.optional_token(role, ""), order.size());
  }
  std::vector<std::pair<int64_t, std::string>> pieces;
  for (const auto& [piece, id] : in.source.vocab.items()) {
    pieces.emplace_back(id.get<int64_t>(), piece);
  }
  std::sort(pieces.begin(), pieces.end());
  for (const auto& [id, piece] : pieces) order.emplace(piece, order.size());
  in.source.vocab = std::move(order);
}

ClassParts nllb(ClassInput& in) {
  in.token("bos_token", "<s>");
  const std::string eos = in.token("eos_token", "</s>");
  in.token("pad_token", "<pad>");
  const std::string unk = in.token("unk_token", "<unk>");
  common_tokens(in);
  nllb_order(in);
  if (const auto mask = in.settings.roles["mask_token"]; mask && mask->plain) {
    in.settings.roles["mask_token"] =
        TokenSpec{.text = mask->text, .special = true, .lstrip = true, .normalized = true};
  }
  if (!in.settings.extra && !in.additional()) {
    add_codes(Codes(std::begin(kNllbLanguages), std::end(kNllbLanguages)),
              in.additional().emplace());
  }
  ClassParts parts = bpe_on_text(in, unk);
  parts.own_post_processor =
      language_and_end(source_language(in, "eng_Latn"), eos, !in.flag("legacy_behaviour", false));
  return parts;
}

}  // namespace

std::span<const ClassRules> translation_classes() {
  static const std::vector<std::string_view> files = {"sentencepiece.bpe.model"};
  static const std::vector<ClassRules> all = {
      {"MBart50Tokenizer", Model::kUnigram, files, mbart50},
      {"MBartTokenizer", Model::kUnigram, files, mbart},
      {"NllbTokenizer", Model::kBpe, files, nllb},
  };
  return all;
}

}  // namespace zoo
