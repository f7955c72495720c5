// Unigram models (Kudo 2018, arXiv:1804.10959): ALBERT, T5, XLM-R, Pegasus and others. They differ
// in how a text is normalised and in how the pieces of a .model are renumbered.
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

/// Quotes, accents and case, as ALBERT's and XLNet's code has them.
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

/// Lan et al. 2020, arXiv:1909.11942
ClassParts albert(ClassInput& in) {
  in.optional_token("bos_token", "[CLS]");
  in.optional_token("eos_token", "[SEP]");
  in.optional_token("unk_token", "<unk>");
  const std::string sep = in.token("sep_token", "[SEP]");
  in.optional_token("pad_token", "<pad>");
  const std::string cls = in.token("cls_token", "[CLS]");
  in.optional_token("mask_token", "[MASK]");
  ClassParts parts = {
      .normalizer = sequence_json("normalizers", albert_steps(in, in.flag("do_lower_case", true),
                                                              in.flag("keep_accents", false))),
      .pre_tokenizer = marked_words(scheme_of(in)),
      .decoder = metaspace(scheme_of(in)),
      .model = unigram(in, 1)};
  const json& vocab = in.source.vocab;
  if (const auto cls_id = place_of(vocab, cls, 0, false), sep_id = place_of(vocab, sep, 0, false);
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
  in.optional_token("sep_token", "</s>");
  in.optional_token("cls_token", "<s>");
  in.optional_token("unk_token", "<unk>");
  in.optional_token("pad_token", "<pad>");
  in.optional_token("mask_token", "<mask>");
}

/// Conneau et al. 2020, arXiv:1911.02116
ClassParts xlm_roberta(ClassInput& in) {
  const std::string bos = in.token("bos_token", "<s>"), eos = in.token("eos_token", "</s>");
  xlm_roberta_tokens(in);
  fairseq_order(in, "bos_token", {});
  return {.normalizer = charsmap_alone(in),
          .pre_tokenizer = marked_words(scheme_of(in)),
          .decoder = metaspace(scheme_of(in)),
          .model = unigram(in, 3),
          .own_post_processor = bos_eos_pair(bos, eos)};
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
  return {.normalizer = charsmap_alone(in),
          .pre_tokenizer = marked_words(scheme_of(in)),
          .decoder = metaspace(scheme_of(in)),
          .model = unigram(in, place_of(in.source.vocab, unk, 0, false).value_or(0)),
          .own_post_processor = bos_eos_pair(bos, eos)};
}

/// Raffel et al. 2020, arXiv:1910.10683: sentinels <extra_id_0>, <extra_id_1>, ... at the end.
ClassParts t5(ClassInput& in) {
  in.token("eos_token", "</s>");
  in.optional_token("unk_token", "<unk>");
  in.optional_token("pad_token", "<pad>");
  const int64_t extra_ids = in.number("extra_ids", 100);
  const auto sentinel = [](int64_t i) { return fmt::format("<extra_id_{}>", i); };
  if (in.source.from_model) {
    for (int64_t i = extra_ids - 1; i >= 0; --i) in.source.vocab.push_back(entry(sentinel(i)));
  }
  auto& additional = in.additional() ? *in.additional() : in.additional().emplace();
  const auto sentinels = std::count_if(additional.begin(), additional.end(), [](const auto& token) {
    return token.text.find("<extra_id_") != std::string::npos;
  });
  if (sentinels > 0 && extra_ids > 0 && sentinels != extra_ids) {
    throw std::runtime_error(
        fmt::format("tokenizer_config.json: extra_ids is {}, but additional_special_tokens has {} "
                    "sentinels (<extra_id_0>, ...)",
                    extra_ids, sentinels));
  }
  for (int64_t i = 0; sentinels == 0 && i < extra_ids; ++i) {
    additional.push_back(TokenSpec::of(sentinel(i)));
  }
  return {.normalizer = charsmap_alone(in),
          .pre_tokenizer = marked_words("always"),
          .decoder = metaspace("always"),
          .model = unigram(in, 2),
          .own_post_processor = t5_end(in.token("eos_token", "</s>"))};
}

/// Zhang et al. 2020, arXiv:1912.08777: <mask_1> for a sentence, <mask_2> for words, <unk_2> and so
/// on unused.
ClassParts pegasus(ClassInput& in) {
  // In a .model's order the two masks have each other's usual text, where the files name none.
  const std::string said_mask = in.said("mask_token", "<mask_1>");
  const std::string said_sentence = in.settings.values.value("mask_token_sent", "<mask_2>");
  in.optional_token("pad_token", "<pad>");
  const std::string eos = in.token("eos_token", "</s>"), unk = in.token("unk_token", "<unk>");
  in.optional_token("mask_token", "<mask_2>");
  const int64_t offset = in.number("offset", 103);
  const auto unused = [](int64_t i) { return fmt::format("<unk_{}>", i); };
  const std::string sentence = in.settings.values.value("mask_token_sent", "<mask_1>");
  if (in.source.from_model) {
    json vocab = json::array();
    vocab.push_back(entry(in.token("pad_token", "<pad>")));
    vocab.push_back(entry(eos));
    if (said_mask != "None") vocab.push_back(entry(said_mask));
    if (said_sentence != "None" && said_sentence != said_mask)
      vocab.push_back(entry(said_sentence));
    for (int64_t i = 2; i < offset; ++i) vocab.push_back(entry(unused(i), -100));
    for (size_t id = 2; id < in.source.vocab.size(); ++id) vocab.push_back(in.source.vocab[id]);
    in.source.vocab = std::move(vocab);
  }
  TokenizerSettings::Tokens additional;
  const bool listed =
      in.additional() && std::any_of(in.additional()->begin(), in.additional()->end(),
                                     [&](const auto& token) { return token.text == sentence; });
  if (!listed) additional.push_back(TokenSpec::of(sentence));
  for (int64_t i = 2; i < offset; ++i) additional.push_back(TokenSpec::of(unused(i)));
  in.additional() = std::move(additional);
  json::array_t steps;
  add_charsmap(in, steps);
  if (steps.empty()) steps.push_back(replace_regex("\\n", " "));
  steps.push_back(replace_regex(" {2,}", " "));
  const auto unk_id = place_of(in.source.vocab, unk, 1, true);
  if (!unk_id) {
    throw std::runtime_error(
        fmt::format("PegasusTokenizer needs '{}' with score 0 in its vocabulary", unk));
  }
  return {.normalizer = sequence_json("normalizers", std::move(steps)),
          .pre_tokenizer = metaspace("always"),
          .decoder = metaspace("always"),
          .model = unigram(in, *unk_id),
          .own_post_processor = [eos](const TokenIds& id_of) {
            return template_json({{"$A"}, {eos}}, {{"$A"}, {"$B"}, {eos}}, id_of);
          }};
}

/// Zaheer et al. 2020, arXiv:2007.14062
ClassParts big_bird(ClassInput& in) {
  const std::string unk = in.token("unk_token", "<unk>");
  in.optional_token("bos_token", "<s>");
  in.optional_token("eos_token", "</s>");
  in.optional_token("pad_token", "<pad>");
  const std::string sep = in.token("sep_token", "[SEP]"), cls = in.token("cls_token", "[CLS]");
  in.optional_token("mask_token", "[MASK]");
  in.strip_left_of("mask_token");
  return {.normalizer = sequence_json(
              "normalizers", {{{"type", "Strip"}, {"strip_left", false}, {"strip_right", false}},
                              replace_regex(" {2,}", kMark)}),
          .pre_tokenizer = metaspace(scheme_of(in)),
          .decoder = metaspace(scheme_of(in)),
          .model = unigram(in, place_of(in.source.vocab, unk, 0, true).value_or(100)),
          .own_post_processor = cls_sep(cls, sep)};
}

/// He et al. 2023, arXiv:2111.09543
ClassParts deberta_v2(ClassInput& in) {
  in.optional_token("bos_token", "[CLS]");
  in.optional_token("eos_token", "[SEP]");
  const std::string unk = in.token("unk_token", "[UNK]");
  const std::string sep = in.token("sep_token", "[SEP]");
  in.optional_token("pad_token", "[PAD]");
  const std::string cls = in.token("cls_token", "[CLS]");
  in.optional_token("mask_token", "[MASK]");
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
  const int64_t otherwise = in.number("unk_id", in.source.from_model ? in.source.unk_id : 1);
  return {.normalizer = sequence_json("normalizers", std::move(normalizers)),
          .pre_tokenizer = sequence_json("pretokenizers", std::move(pre_tokenizers)),
          .decoder = metaspace(scheme),
          .model = unigram(in, place_of(in.source.vocab, unk, 0, true).value_or(otherwise)),
          .own_post_processor = cls_sep(cls, sep)};
}

/// Yang et al. 2019, arXiv:1906.08237: the class token stands last, as segment 2.
ClassParts xlnet(ClassInput& in) {
  in.optional_token("bos_token", "<s>");
  in.optional_token("eos_token", "</s>");
  in.optional_token("unk_token", "<unk>");
  const std::string sep = in.token("sep_token", "<sep>");
  in.optional_token("pad_token", "<pad>");
  const std::string cls = in.token("cls_token", "<cls>");
  in.optional_token("mask_token", "<mask>");
  in.strip_left_of("mask_token");
  if (!in.additional()) {
    in.additional() = TokenizerSettings::Tokens{TokenSpec::of("<eop>"), TokenSpec::of("<eod>")};
  }
  const int64_t unk_id = in.number("unk_id", in.source.from_model ? in.source.unk_id : 0);
  return {.normalizer = sequence_json("normalizers",
                                      albert_steps(in, in.flag("do_lower_case", false), false)),
          .pre_tokenizer = marked_words("always"),
          .decoder = metaspace("always"),
          .model = unigram(in, unk_id),
          .own_post_processor = [cls, sep](const TokenIds& id_of) {
            return template_json({{"$A"}, {sep}, {cls, 2}},
                                 {{"$A"}, {sep}, {"$B", 1}, {sep, 1}, {cls, 2}}, id_of);
          }};
}

/// Chung et al. 2021, arXiv:2010.12821
ClassParts rembert(ClassInput& in) {
  in.optional_token("bos_token", "[CLS]");
  in.optional_token("eos_token", "[SEP]");
  in.optional_token("unk_token", "<unk>");
  const std::string sep = in.token("sep_token", "[SEP]");
  in.optional_token("pad_token", "<pad>");
  const std::string cls = in.token("cls_token", "[CLS]");
  in.optional_token("mask_token", "[MASK]");
  json::array_t steps = {replace("``", "\""), replace("''", "\""), replace_regex(" {2,}", " ")};
  if (!in.flag("keep_accents", true)) {
    steps.push_back(stage("NFKD"));
    steps.push_back(stage("StripAccents"));
  }
  if (in.flag("do_lower_case", false)) steps.push_back(stage("Lowercase"));
  add_charsmap(in, steps);
  return {.normalizer = sequence_json("normalizers", std::move(steps)),
          .pre_tokenizer = metaspace(scheme_of(in)),
          .decoder = metaspace(scheme_of(in)),
          .model = unigram(in, 2),
          .own_post_processor = cls_sep(cls, sep),
          .again = ClassParts::Again::kWithFlags};
}

/// Kamal Eddine et al. 2021, arXiv:2010.12321
ClassParts barthez(ClassInput& in) {
  in.optional_token("bos_token", "<s>");
  in.optional_token("eos_token", "</s>");
  xlm_roberta_tokens(in);
  in.strip_left_of("mask_token");
  return {.normalizer = sequence_json(
              "normalizers", {replace_regex("\\s{2,}|[\\n\\r\\t]", " "),
                              stage("NFC"),
                              {{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}}}),
          .pre_tokenizer = metaspace(scheme_of(in)),
          .decoder = metaspace(scheme_of(in)),
          .model = unigram(in, 3)};
}

/// Tang et al. 2023, arXiv:2212.02623: T5's, without sentinels of its own.
ClassParts udop(ClassInput& in) {
  const std::string eos = in.token("eos_token", "</s>"), unk = in.token("unk_token", "<unk>");
  in.optional_token("sep_token", "</s>");
  in.optional_token("pad_token", "<pad>");
  return {.pre_tokenizer = marked_words("always"),
          .decoder = metaspace("always"),
          .model = unigram(in, place_of(in.source.vocab, unk, 0, false).value_or(2)),
          .own_post_processor = t5_end(eos)};
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
      {"PegasusTokenizer", Model::kUnigram, piece, pegasus},
      {"RemBertTokenizer", Model::kUnigram, {"sentencepiece.model"}, rembert},
      {"T5Tokenizer", Model::kUnigram, piece, t5},
      {"UdopTokenizer", Model::kUnigram, piece, udop},
      {"XLMRobertaTokenizer", Model::kUnigram, bpe, xlm_roberta},
      {"XLNetTokenizer", Model::kUnigram, piece, xlnet},
  };
  return all;
}

}  // namespace zoo
