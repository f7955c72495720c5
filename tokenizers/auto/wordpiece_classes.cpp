// WordPiece: BERT and its relatives.
#include "tokenizers/auto/class_rules.h"

namespace zoo {
namespace {

using nlohmann::json;
using Model = ClassRules::Model;

json optional_flag(const ClassInput& in, const char* key) {
  const auto found = in.settings.values.find(key);
  if (found == in.settings.values.end() || found->is_null()) return nullptr;
  return in.flag(key, false);
}

/// Devlin et al. 2019, arXiv:1810.04805, and the code published with it.
ClassParts bert_stages(ClassInput& in, const std::string& unk_token) {
  return {.normalizer = {{"type", "BertNormalizer"},
                         {"clean_text", true},
                         {"handle_chinese_chars", in.flag("tokenize_chinese_chars", true)},
                         {"strip_accents", optional_flag(in, "strip_accents")},
                         {"lowercase", in.flag("do_lower_case", true)}},
          .pre_tokenizer = {{"type", "BertPreTokenizer"}},
          .decoder = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}},
          .model = {{"type", "WordPiece"},
                    {"unk_token", unk_token},
                    {"continuing_subword_prefix", "##"},
                    {"max_input_chars_per_word", 100},
                    {"vocab", in.source.vocab}}};
}

ClassParts bert(ClassInput& in) {
  ClassParts parts = bert_stages(in, in.token("unk_token", "[UNK]"));
  const std::string sep = in.token("sep_token", "[SEP]");
  in.optional_token("pad_token", "[PAD]");
  const std::string cls = in.token("cls_token", "[CLS]");
  in.optional_token("mask_token", "[MASK]");
  parts.own_post_processor = [cls, sep](const TokenIds& id_of) {
    return template_json({{cls}, {"$A"}, {sep}}, {{cls}, {"$A"}, {sep}, {"$B", 1}, {sep, 1}},
                         id_of);
  };
  return parts;
}

ClassParts mpnet(ClassInput& in) {
  ClassParts parts = bert_stages(in, in.token("unk_token", "[UNK]"));
  in.optional_token("bos_token", "<s>");
  in.optional_token("eos_token", "</s>");
  const std::string sep = in.token("sep_token", "</s>"), cls = in.token("cls_token", "<s>");
  in.optional_token("pad_token", "<pad>");
  in.optional_token("mask_token", "<mask>");
  in.strip_left_of("mask_token");
  parts.own_post_processor = [cls, sep](const TokenIds& id_of) -> json {
    return {{"type", "RobertaProcessing"},
            {"sep", json::array({sep, id_of(sep)})},
            {"cls", json::array({cls, id_of(cls)})},
            {"trim_offsets", true},
            {"add_prefix_space", false}};
  };
  return parts;
}

/// Dai et al. 2020, arXiv:2006.03236: the class token is segment 2.
ClassParts funnel(ClassInput& in) {
  ClassParts parts = bert_stages(in, in.token("unk_token", "<unk>"));
  parts.normalizer["clean_text"] = in.flag("clean_text", true);
  parts.decoder["prefix"] = in.settings.values.value("wordpieces_prefix", "##");
  const std::string sep = in.token("sep_token", "<sep>");
  in.optional_token("pad_token", "<pad>");
  const std::string cls = in.token("cls_token", "<cls>");
  in.optional_token("mask_token", "<mask>");
  in.optional_token("bos_token", "<s>");
  in.optional_token("eos_token", "</s>");
  parts.own_post_processor = [cls, sep](const TokenIds& id_of) {
    return template_json({{cls, 2}, {"$A"}, {sep}}, {{cls, 2}, {"$A"}, {sep}, {"$B", 1}, {sep, 1}},
                         id_of);
  };
  return parts;
}

}  // namespace

std::span<const ClassRules> wordpiece_classes() {
  static const std::vector<ClassRules> all = {
      {"BertTokenizer", Model::kWordPiece, {"vocab.txt"}, bert},
      {"DistilBertTokenizer", Model::kWordPiece, {"vocab.txt"}, bert},
      {"ConvBertTokenizer", Model::kWordPiece, {"vocab.txt"}, bert, /*takes_json=*/true},
      {"FunnelTokenizer", Model::kWordPiece, {"vocab.txt"}, funnel},
      {"MPNetTokenizer", Model::kWordPiece, {"vocab.txt"}, mpnet},
  };
  return all;
}

}  // namespace zoo
