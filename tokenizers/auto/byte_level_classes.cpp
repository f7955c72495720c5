// Byte-level BPE: GPT-2 (Radford et al. 2019) and its relatives. They differ in how a text is split
// into words, in their special tokens and in their templates.
#include "tokenizers/auto/class_rules.h"
#include "tokenizers/families/byte_bpe_files.h"
#include "tokenizers/stages/split_patterns.h"

namespace zoo {
namespace {

using nlohmann::json;
using Model = ClassRules::Model;

ClassParts byte_level(ClassInput& in, bool add_prefix_space) {
  json model = bpe_json(in.source);
  model["continuing_subword_prefix"] = model["end_of_word_suffix"] = "";
  return {.pre_tokenizer = byte_level_json(add_prefix_space, true, true),
          .decoder = byte_level_json(true, true, true),
          .model = std::move(model)};
}

ClassParts byte_level(ClassInput& in) { return byte_level(in, in.flag("add_prefix_space", false)); }

/// null means false in these classes.
bool prefix_space_or_null(const ClassInput& in) {
  const auto found = in.settings.values.find("add_prefix_space");
  return found != in.settings.values.end() && !found->is_null() &&
         in.flag("add_prefix_space", false);
}

json nfc() { return {{"type", "NFC"}}; }

json roberta_processing(const std::string& sep, const std::string& cls, bool trim_offsets,
                        bool add_prefix_space, const TokenIds& id_of) {
  return {{"type", "RobertaProcessing"},
          {"sep", json::array({sep, id_of(sep)})},
          {"cls", json::array({cls, id_of(cls)})},
          {"trim_offsets", trim_offsets},
          {"add_prefix_space", add_prefix_space}};
}

/// <|endoftext|> for every role but padding.
void gpt2_tokens(ClassInput& in, const char* padding = nullptr) {
  in.default_tokens({{"bos_token", "<|endoftext|>"},
                     {"eos_token", "<|endoftext|>"},
                     {"unk_token", "<|endoftext|>"},
                     {"pad_token", padding}});
}

ClassParts gpt2(ClassInput& in) {
  gpt2_tokens(in);
  return byte_level(in);
}

ClassParts codegen(ClassInput& in) {
  gpt2_tokens(in);
  ClassParts parts = byte_level(in);
  parts.post_processor = byte_level_json(true, false, true);
  return parts;
}

ClassParts gpt_neox(ClassInput& in) {
  gpt2_tokens(in, "<|padding|>");
  ClassParts parts = byte_level(in);
  parts.normalizer = nfc();
  parts.pre_tokenizer["trim_offsets"] = in.flag("trim_offsets", true);
  parts.always_bos_eos = true;
  return parts;
}

/// RoBERTa's, BART's and Longformer's (Liu et al. 2019, arXiv:1907.11692).
void roberta_tokens(ClassInput& in) {
  in.default_tokens({{"bos_token", "<s>"},
                     {"eos_token", "</s>"},
                     {"unk_token", "<unk>"},
                     {"pad_token", "<pad>"},
                     {"mask_token", "<mask>"}});
}

ClassParts roberta(ClassInput& in) {
  const std::string sep = in.token("sep_token", "</s>"), cls = in.token("cls_token", "<s>");
  roberta_tokens(in);
  const bool trim = in.flag("trim_offsets", true), prefix = in.flag("add_prefix_space", false);
  ClassParts parts = byte_level(in);
  parts.own_post_processor = [=](const TokenIds& id_of) {
    return roberta_processing(sep, cls, trim, prefix, id_of);
  };
  return parts;
}

ClassParts blenderbot(ClassInput& in) {
  in.default_tokens({{"sep_token", "</s>"}, {"cls_token", "<s>"}});
  roberta_tokens(in);
  in.strip_left_of("mask_token");
  return byte_level(in, in.flag("add_prefix_space", true));
}

ClassParts deberta(ClassInput& in) {
  const std::string sep = in.token("sep_token", "[SEP]"), cls = in.token("cls_token", "[CLS]");
  in.default_tokens({{"bos_token", "[CLS]"},
                     {"eos_token", "[SEP]"},
                     {"unk_token", "[UNK]"},
                     {"pad_token", "[PAD]"},
                     {"mask_token", "[MASK]"}});
  ClassParts parts = byte_level(in);
  parts.own_post_processor = [=](const TokenIds& id_of) {
    return template_json({{cls}, {"$A"}, {sep}}, {{cls}, {"$A"}, {sep}, {sep}, {"$B"}, {sep}},
                         id_of);
  };
  return parts;
}

/// Radford et al. 2021, arXiv:2103.00020: lower case, and a word's last piece ends with </w>.
ClassParts clip(ClassInput& in) {
  const std::string unk = in.token("unk_token", "<|endoftext|>");
  const std::string bos = in.token("bos_token", "<|startoftext|>");
  const std::string eos = in.token("eos_token", "<|endoftext|>");
  in.optional_token("pad_token", "<|endoftext|>");
  ClassParts parts = byte_level(in, false);
  parts.model["end_of_word_suffix"] = "</w>";
  parts.model["unk_token"] = unk;
  parts.normalizer = sequence_json(
      "normalizers", {nfc(),
                      {{"type", "Replace"}, {"pattern", {{"Regex", "\\s+"}}}, {"content", " "}},
                      {{"type", "Lowercase"}}});
  parts.pre_tokenizer = sequence_json(
      "pretokenizers",
      {split_json(R"(<\|startoftext\|>|<\|endoftext\|>|)" + std::string(split_pattern("clip")),
                  "Removed", true),
       byte_level_json(false, true, true)});
  // The class changes the text that its decoder returns; this decoder gives the same.
  const json space = {{"type", "Replace"}, {"pattern", {{"String", "</w>"}}}, {"content", " "}};
  constexpr int kAll = 65536;
  parts.decoder = sequence_json(
      "decoders", {byte_level_json(true, true, true),
                   space,
                   {{"type", "Strip"}, {"content", " "}, {"start", kAll}, {"stop", kAll}}});
  parts.own_post_processor = [=](const TokenIds& id_of) {
    return roberta_processing(eos, bos, false, false, id_of);
  };
  return parts;
}

/// Qwen 2: split like GPT-4's words, but digit by digit.
ClassParts qwen(ClassInput& in, std::string_view pattern) {
  in.default_tokens({{"bos_token", nullptr},
                     {"eos_token", "<|endoftext|>"},
                     {"unk_token", "<|endoftext|>"},
                     {"pad_token", "<|endoftext|>"}});
  ClassParts parts = byte_level(in, false);
  parts.normalizer = nfc();
  parts.pre_tokenizer =
      sequence_json("pretokenizers", {split_json(pattern, "Isolated", false),
                                      byte_level_json(prefix_space_or_null(in), true, false)});
  return parts;
}

ClassParts qwen2(ClassInput& in) {
  ClassParts parts = qwen(in, R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
                              R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)");
  parts.re_add = ClassParts::ReAdd::kByText;
  return parts;
}

}  // namespace

std::span<const ClassRules> byte_level_classes() {
  static const std::vector<std::string_view> files = {"vocab.json", "merges.txt"};
  static const std::vector<ClassRules> all = {
      {"BlenderbotTokenizer", Model::kBpe, files, blenderbot},
      {"CLIPTokenizer", Model::kBpe, files, clip},
      {"CodeGenTokenizer", Model::kBpe, files, codegen},
      {"DebertaTokenizer", Model::kBpe, files, deberta},
      {"GPT2Tokenizer", Model::kBpe, files, gpt2},
      {"GPTNeoXTokenizer", Model::kBpe, files, gpt_neox},
      {"Qwen2Tokenizer", Model::kBpe, files, qwen2},
      {"RobertaTokenizer", Model::kBpe, files, roberta},
  };
  return all;
}

}  // namespace zoo
