// Unigram models (Kudo 2018, arXiv:1804.10959) of encoders: ALBERT, XLM-R, DeBERTa and others. They
// differ in normalisation and in how they renumber the pieces of a .model.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "tokenizers/auto/class_rules.h"
#include "tokenizers/auto/sentencepiece_stages.h"

namespace zoo {
namespace {

using namespace sentencepiece_stages;
using nlohmann::json;
using Model = ClassRules::Model;

/// <s> A </s>, <s> A </s> </s> B </s>
std::function<json(const TokenIds&)> bos_eos_pair(const std::string& bos, const std::string& eos) {
  return [bos, eos](const TokenIds& id_of) {
    return template_json({{bos}, {"$A"}, {eos}}, {{bos}, {"$A"}, {eos}, {eos}, {"$B"}, {eos}},
                         id_of);
  };
}

/// Quotes, accents and case, in the order of ALBERT's and XLNet's code.
json::array_t albert_steps(const ClassInput& in, bool do_lower_case, bool keep_accents) {
  json::array_t steps = {replace("``", "\""), replace("''", "\"")};
  if (!keep_accents) {
    steps.push_back(stage("NFKD"));
    steps.push_back(stage("StripAccents"));
  }
  if (do_lower_case) steps.push_back(stage("Lowercase"));
  add_charsmap(in, steps);
  return steps;
}

/// BERT's tokens for the roles that a class does not read itself.
void bert_tokens(ClassInput& in, const char* unk, const char* padding) {
  in.default_tokens({{"bos_token", "[CLS]"},
                     {"eos_token", "[SEP]"},
                     {"unk_token", unk},
                     {"pad_token", padding},
                     {"mask_token", "[MASK]"}});
}

/// Lan et al. 2020, arXiv:1909.11942
ClassParts albert(ClassInput& in) {
  const std::string sep = in.token("sep_token", "[SEP]"), cls = in.token("cls_token", "[CLS]");
  bert_tokens(in, "<unk>", "<pad>");
  ClassParts parts = unigram_on_words(in, scheme_of(in), 1);
  parts.normalizer = sequence_json("normalizers", albert_steps(in, in.flag("do_lower_case", true),
                                                               in.flag("keep_accents", false)));
  const json& vocab = in.source.vocab;
  if (const auto cls_id = index_of(vocab, cls, 0, false), sep_id = index_of(vocab, sep, 0, false);
      cls_id && sep_id) {
    parts.post_processor = template_json(
        {{"[CLS]"}, {"$A"}, {"[SEP]"}}, {{"[CLS]"}, {"$A"}, {"[SEP]"}, {"$B", 1}, {"[SEP]", 1}},
        [&](const std::string& name) {
          return static_cast<int32_t>(name == "[CLS]" ? *cls_id : *sep_id);
        });
  } else {
    throw std::runtime_error(
        fmt::format("AlbertTokenizer needs '{}' and '{}' in its vocabulary", cls, sep));
  }
  return parts;
}

void xlm_roberta_tokens(ClassInput& in) {
  in.default_tokens({{"sep_token", "</s>"},
                     {"cls_token", "<s>"},
                     {"unk_token", "<unk>"},
                     {"pad_token", "<pad>"},
                     {"mask_token", "<mask>"}});
}

ClassParts xlm_roberta_parts(const ClassInput& in, int64_t unk_id, const std::string& bos,
                             const std::string& eos) {
  ClassParts parts = unigram_on_words(in, scheme_of(in), unk_id);
  parts.normalizer = charsmap_alone(in);
  parts.own_post_processor = bos_eos_pair(bos, eos);
  return parts;
}

/// Conneau et al. 2020, arXiv:1911.02116
ClassParts xlm_roberta(ClassInput& in) {
  const std::string bos = in.token("bos_token", "<s>"), eos = in.token("eos_token", "</s>");
  xlm_roberta_tokens(in);
  fairseq_order(in, "bos_token", {});
  return xlm_roberta_parts(in, 3, bos, eos);
}

ClassParts camembert(ClassInput& in) {
  const std::string bos = in.token("bos_token", "<s>"), eos = in.token("eos_token", "</s>");
  const std::string unk = in.token("unk_token", "<unk>");
  xlm_roberta_tokens(in);
  if (in.source.from_model) {
    json vocab = json::array({entry("<s>NOTUSED"), entry(in.token("pad_token", "<pad>")),
                              entry("</s>NOTUSED"), entry(unk), entry("<unk>NOTUSED", -100)});
    for (size_t id = 1; id < in.source.vocab.size(); ++id) vocab.push_back(in.source.vocab[id]);
    vocab.push_back(entry(in.token("mask_token", "<mask>")));
    in.source.vocab = std::move(vocab);
  }
  if (const auto mask = in.settings.roles["mask_token"]; mask && mask->plain) {
    in.strip_left_of("mask_token");
    in.settings.roles["mask_token"]->special = true;
  }
  if (!in.additional()) {
    in.additional() = TokenizerSettings::Tokens{
        TokenSpec::of("<s>NOTUSED"), TokenSpec::of("</s>NOTUSED"), TokenSpec::of("<unk>NOTUSED")};
  }
  return xlm_roberta_parts(in, index_of(in.source.vocab, unk, 0, false).value_or(0), bos, eos);
}

/// Zaheer et al. 2020, arXiv:2007.14062
ClassParts big_bird(ClassInput& in) {
  const std::string unk = in.token("unk_token", "<unk>");
  const std::string sep = in.token("sep_token", "[SEP]"), cls = in.token("cls_token", "[CLS]");
  in.default_tokens({{"bos_token", "<s>"},
                     {"eos_token", "</s>"},
                     {"pad_token", "<pad>"},
                     {"mask_token", "[MASK]"}});
  in.strip_left_of("mask_token");
  ClassParts parts =
      unigram_on_text(in, scheme_of(in), index_of(in.source.vocab, unk, 0, true).value_or(100));
  parts.normalizer = sequence_json(
      "normalizers", {{{"type", "Strip"}, {"strip_left", false}, {"strip_right", false}},
                      replace_regex(" {2,}", kMark)});
  parts.own_post_processor = cls_sep(cls, sep);
  return parts;
}

/// He et al. 2023, arXiv:2111.09543
ClassParts deberta_v2(ClassInput& in) {
  const std::string unk = in.token("unk_token", "[UNK]");
  const std::string sep = in.token("sep_token", "[SEP]"), cls = in.token("cls_token", "[CLS]");
  bert_tokens(in, "[UNK]", "[PAD]");
  json::array_t normalizers, pre_tokenizers;
  if (in.flag("do_lower_case", false)) normalizers.push_back(stage("Lowercase"));
  normalizers.push_back(replace_regex("\\s{2,}|[\\n\\r\\t]", " "));
  normalizers.push_back(stage("NFC"));
  normalizers.push_back({{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}});
  if (in.flag("split_by_punct", false)) {
    pre_tokenizers.push_back({{"type", "Punctuation"}, {"behavior", "Isolated"}});
  }
  const char* const scheme = in.flag("add_prefix_space", true) ? "always" : "first";
  pre_tokenizers.push_back(metaspace(scheme));
  const int64_t fallback = in.number("unk_id", in.source.from_model ? in.source.unk_id : 1);
  return {.normalizer = sequence_json("normalizers", std::move(normalizers)),
          .pre_tokenizer = sequence_json("pretokenizers", std::move(pre_tokenizers)),
          .decoder = metaspace(scheme),
          .model = unigram(in, index_of(in.source.vocab, unk, 0, true).value_or(fallback)),
          .own_post_processor = cls_sep(cls, sep)};
}

/// Yang et al. 2019, arXiv:1906.08237: the class token comes last, as segment 2.
ClassParts xlnet(ClassInput& in) {
  const std::string sep = in.token("sep_token", "<sep>"), cls = in.token("cls_token", "<cls>");
  in.default_tokens({{"bos_token", "<s>"},
                     {"eos_token", "</s>"},
                     {"unk_token", "<unk>"},
                     {"pad_token", "<pad>"},
                     {"mask_token", "<mask>"}});
  in.strip_left_of("mask_token");
  if (!in.additional()) {
    in.additional() = TokenizerSettings::Tokens{TokenSpec::of("<eop>"), TokenSpec::of("<eod>")};
  }
  const int64_t unk_id = in.number("unk_id", in.source.from_model ? in.source.unk_id : 0);
  ClassParts parts = unigram_on_words(in, "always", unk_id);
  parts.normalizer =
      sequence_json("normalizers", albert_steps(in, in.flag("do_lower_case", false), false));
  parts.own_post_processor = [cls, sep](const TokenIds& id_of) {
    return template_json({{"$A"}, {sep}, {cls, 2}}, {{"$A"}, {sep}, {"$B", 1}, {sep, 1}, {cls, 2}},
                         id_of);
  };
  return parts;
}

/// Chung et al. 2021, arXiv:2010.12821
ClassParts rembert(ClassInput& in) {
  const std::string sep = in.token("sep_token", "[SEP]"), cls = in.token("cls_token", "[CLS]");
  bert_tokens(in, "<unk>", "<pad>");
  json::array_t steps = {replace("``", "\""), replace("''", "\""), replace_regex(" {2,}", " ")};
  if (!in.flag("keep_accents", true)) {
    steps.push_back(stage("NFKD"));
    steps.push_back(stage("StripAccents"));
  }
  if (in.flag("do_lower_case", false)) steps.push_back(stage("Lowercase"));
  add_charsmap(in, steps);
  ClassParts parts = unigram_on_text(in, scheme_of(in), 2);
  parts.normalizer = sequence_json("normalizers", std::move(steps));
  parts.own_post_processor = cls_sep(cls, sep);
  parts.re_add = ClassParts::ReAdd::kWithFlags;
  return parts;
}

/// Kamal Eddine et al. 2021, arXiv:2010.12321
ClassParts barthez(ClassInput& in) {
  in.default_tokens({{"bos_token", "<s>"}, {"eos_token", "</s>"}});
  xlm_roberta_tokens(in);
  in.strip_left_of("mask_token");
  ClassParts parts = unigram_on_text(in, scheme_of(in), 3);
  parts.normalizer = sequence_json(
      "normalizers", {replace_regex("\\s{2,}|[\\n\\r\\t]", " "),
                      stage("NFC"),
                      {{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}}});
  return parts;
}

}  // namespace

std::span<const ClassRules> unigram_classes() {
  static const std::vector<std::string_view> bpe = {"sentencepiece.bpe.model"},
                                             piece = {"spiece.model"};
  static const std::vector<ClassRules> all = {
      {"AlbertTokenizer", Model::kUnigram, piece, albert},
      {"BarthezTokenizer", Model::kUnigram, bpe, barthez},
      {"BigBirdTokenizer", Model::kUnigram, piece, big_bird},
      {"CamembertTokenizer", Model::kUnigram, bpe, camembert},
      {"DebertaV2Tokenizer", Model::kUnigram, {"spm.model"}, deberta_v2},
      {"FNetTokenizer", Model::kUnigram, {}, albert, /*takes_json=*/true},
      {"RemBertTokenizer", Model::kUnigram, {"sentencepiece.model"}, rembert},
      {"XLMRobertaTokenizer", Model::kUnigram, bpe, xlm_roberta},
      {"XLNetTokenizer", Model::kUnigram, piece, xlnet},
  };
  return all;
}

}  // namespace zoo
