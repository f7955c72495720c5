// BPE on SentencePiece's pieces: Llama 2, Gemma and others.
#include <algorithm>

#include "tokenizers/auto/class_rules.h"
#include "tokenizers/auto/sentencepiece_stages.h"

namespace zoo {
namespace {

using namespace sentencepiece_stages;
using nlohmann::json;
using Model = ClassRules::Model;

/// null means true here.
bool prefix_space(const ClassInput& in) {
  const auto space = in.settings.values.find("add_prefix_space");
  return space == in.settings.values.end() || space->is_null() || in.flag("add_prefix_space", true);
}

/// "first": a space before the first word of a text only; legacy settings also add one after each
/// added token.
ClassParts llama(ClassInput& in) {
  in.default_tokens({{"unk_token", "<unk>"}, {"bos_token", "<s>"}, {"eos_token", "</s>"}});
  const bool prefix = prefix_space(in);
  const auto legacy = in.settings.values.find("legacy");
  const bool old =
      legacy != in.settings.values.end() && !legacy->is_null() && in.flag("legacy", false);
  json model = bpe_json(in.source);
  model["fuse_unk"] = model["byte_fallback"] = true;
  json::array_t decoders = {replace(kMark, " "), stage("ByteFallback"), stage("Fuse")};
  if (prefix) decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return {.pre_tokenizer = metaspace(!prefix ? "never"
                                     : old   ? "always"
                                             : "first",
                                     false),
          .decoder = sequence_json("decoders", std::move(decoders)),
          .model = std::move(model)};
}

ClassParts gemma(ClassInput& in) {
  const std::string unk = in.token("unk_token", "<unk>");
  in.default_tokens({{"bos_token", "<bos>"},
                     {"eos_token", "<eos>"},
                     {"pad_token", "<pad>"},
                     {"mask_token", "<mask>"}});
  json model = bpe_json(in.source);
  model["fuse_unk"] = model["byte_fallback"] = true;
  model["unk_token"] = unk;
  return {.normalizer = replace(" ", kMark),
          .pre_tokenizer = {{"type", "Split"},
                            {"pattern", {{"String", " "}}},
                            {"behavior", "MergedWithPrevious"},
                            {"invert", false}},
          .decoder = sequence_json("decoders",
                                   {replace(kMark, " "), stage("ByteFallback"), stage("Fuse")}),
          .model = std::move(model)};
}

/// Rozière et al. 2023, arXiv:2308.12950: tokens for infilling.
ClassParts code_llama(ClassInput& in) {
  const std::string unk = in.token("unk_token", "<unk>");
  in.optional_token("bos_token", "<s>");
  in.optional_token("eos_token", "</s>");
  auto& additional = in.additional() ? *in.additional() : in.additional().emplace();
  std::vector<std::pair<std::string, TokenSpec>> named;
  for (const auto& [name, text] : {std::pair{"prefix_token", "\xE2\x96\x81<PRE>"},
                                   {"middle_token", "\xE2\x96\x81<MID>"},
                                   {"suffix_token", "\xE2\x96\x81<SUF>"},
                                   {"eot_token", "\xE2\x96\x81<EOT>"},
                                   {"fill_token", "<FILL_ME>"}}) {
    additional.push_back(TokenSpec::of(text));
    named.emplace_back(name, TokenSpec::of(text));
  }
  for (const auto& given : in.settings.named) {
    const auto same = std::find_if(named.begin(), named.end(),
                                   [&](const auto& known) { return known.first == given.first; });
    if (same == named.end()) {
      named.push_back(given);
    } else {
      same->second = given.second;
    }
  }
  in.settings.named = std::move(named);
  if (!in.settings.values.contains("add_bos_token")) in.settings.values["add_bos_token"] = true;
  json model = bpe_json(in.source);
  model["fuse_unk"] = model["byte_fallback"] = true;
  model["unk_token"] = unk;
  return {.pre_tokenizer = metaspace(prefix_space(in) ? "first" : "never", false),
          .decoder = sequence_json(
              "decoders", {replace(kMark, " "),
                           stage("ByteFallback"),
                           stage("Fuse"),
                           {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}),
          .model = std::move(model),
          .always_bos_eos = true};
}

/// Kitaev et al. 2020, arXiv:2001.04451
ClassParts reformer(ClassInput& in) {
  in.optional_token("eos_token", "</s>");
  const std::string unk = in.token("unk_token", "<unk>");
  ClassParts parts = bpe_on_text(in, unk);
  parts.re_add = ClassParts::ReAdd::kWithFlags;
  return parts;
}

}  // namespace

std::span<const ClassRules> sentencepiece_bpe_classes() {
  static const std::vector<std::string_view> files = {"tokenizer.model"};
  static const std::vector<ClassRules> all = {
      {"CodeLlamaTokenizer", Model::kBpe, files, code_llama},
      {"GemmaTokenizer", Model::kBpe, files, gemma},
      {"LlamaTokenizer", Model::kBpe, files, llama},
      {"ReformerTokenizer", Model::kBpe, {"spiece.model"}, reformer},
  };
  return all;
}

}  // namespace zoo
