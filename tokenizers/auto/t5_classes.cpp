// T5 and its relatives: unigram models of encoder-decoders, with sentinels or masks as extra
// tokens.
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

std::string unused_piece(int64_t i) { return fmt::format("<unk_{}>", i); }

/// Raffel et al. 2020, arXiv:1910.10683: sentinels <extra_id_0>, <extra_id_1>, ... at the end.
ClassParts t5(ClassInput& in) {
  const std::string eos = in.token("eos_token", "</s>");
  in.default_tokens({{"unk_token", "<unk>"}, {"pad_token", "<pad>"}});
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
  ClassParts parts = unigram_on_words(in, "always", 2);
  parts.normalizer = charsmap_alone(in);
  parts.own_post_processor = t5_end(eos);
  return parts;
}

/// The vocabulary of Pegasus from a .model: padding, end, the two masks, unused pieces, and the
/// model's pieces. Without names in the files, the masks are in the other order than the tokens
/// are.
void renumber_pegasus(ClassInput& in, const std::string& mask, const std::string& sentence_mask,
                      const std::string& eos, int64_t offset) {
  json vocab = json::array();
  vocab.push_back(entry(in.token("pad_token", "<pad>")));
  vocab.push_back(entry(eos));
  if (mask != "None") vocab.push_back(entry(mask));
  if (sentence_mask != "None" && sentence_mask != mask) vocab.push_back(entry(sentence_mask));
  for (int64_t i = 2; i < offset; ++i) vocab.push_back(entry(unused_piece(i), -100));
  for (size_t id = 2; id < in.source.vocab.size(); ++id) vocab.push_back(in.source.vocab[id]);
  in.source.vocab = std::move(vocab);
}

/// Zhang et al. 2020, arXiv:1912.08777: <mask_1> for a sentence, <mask_2> for words; <unk_2> and
/// following are unused.
ClassParts pegasus(ClassInput& in) {
  const std::string mask_in_files = in.token_in_files("mask_token", "<mask_1>");
  const std::string sentence_in_files = in.settings.values.value("mask_token_sent", "<mask_2>");
  in.optional_token("pad_token", "<pad>");
  const std::string eos = in.token("eos_token", "</s>"), unk = in.token("unk_token", "<unk>");
  in.optional_token("mask_token", "<mask_2>");
  const int64_t offset = in.number("offset", 103);
  const std::string sentence = in.settings.values.value("mask_token_sent", "<mask_1>");
  if (in.source.from_model) {
    renumber_pegasus(in, mask_in_files, sentence_in_files, eos, offset);
  }
  TokenizerSettings::Tokens additional;
  const bool listed =
      in.additional() && std::any_of(in.additional()->begin(), in.additional()->end(),
                                     [&](const auto& token) { return token.text == sentence; });
  if (!listed) additional.push_back(TokenSpec::of(sentence));
  for (int64_t i = 2; i < offset; ++i) additional.push_back(TokenSpec::of(unused_piece(i)));
  in.additional() = std::move(additional);
  json::array_t steps;
  add_charsmap(in, steps);
  if (steps.empty()) steps.push_back(replace_regex("\\n", " "));
  steps.push_back(replace_regex(" {2,}", " "));
  const auto unk_id = index_of(in.source.vocab, unk, 1, true);
  if (!unk_id) {
    throw std::runtime_error(
        fmt::format("PegasusTokenizer needs '{}' with score 0 in its vocabulary", unk));
  }
  ClassParts parts = unigram_on_text(in, "always", *unk_id);
  parts.normalizer = sequence_json("normalizers", std::move(steps));
  parts.own_post_processor = [eos](const TokenIds& id_of) {
    return template_json({{"$A"}, {eos}}, {{"$A"}, {"$B"}, {eos}}, id_of);
  };
  return parts;
}

/// Tang et al. 2023, arXiv:2212.02623: T5's, without default sentinels.
ClassParts udop(ClassInput& in) {
  const std::string eos = in.token("eos_token", "</s>"), unk = in.token("unk_token", "<unk>");
  in.default_tokens({{"sep_token", "</s>"}, {"pad_token", "<pad>"}});
  ClassParts parts =
      unigram_on_words(in, "always", index_of(in.source.vocab, unk, 0, false).value_or(2));
  parts.own_post_processor = t5_end(eos);
  return parts;
}

/// Zhai et al. 2023, arXiv:2303.15343: T5's pieces of texts in lower case without punctuation, a
/// mark before them. Differs from the reference: what follows a special token in a text has a mark
/// as well, and a sigma at the end of a word becomes that of its middle.
ClassParts siglip(ClassInput& in) {
  const std::string eos = in.token("eos_token", "</s>"), unk = in.token("unk_token", "<unk>");
  in.default_tokens({{"pad_token", "</s>"}});
  ClassParts parts =
      unigram_on_text(in, "always", index_of(in.source.vocab, unk, 0, false).value_or(2));
  parts.pre_tokenizer = metaspace("never", /*split=*/false);
  json prepend = stage("Prepend");
  prepend["prepend"] = kMark;
  json::array_t steps = {replace(kMark, " "), prepend};
  if (in.flag("do_lower_case", true)) steps.push_back(stage("Lowercase"));
  steps.push_back(replace_regex(R"([!-/:-@\[-`{-~])", ""));
  steps.push_back(replace_regex("\\s+", " "));
  add_charsmap(in, steps);
  steps.push_back(replace_regex(" {2,}", " "));
  steps.push_back(replace_regex(" $", ""));
  steps.push_back(replace_regex("^\xE2\x96\x81$", ""));  // nothing is left of the text
  parts.normalizer = sequence_json("normalizers", std::move(steps));
  parts.own_post_processor = t5_end(eos);
  return parts;
}

}  // namespace

std::span<const ClassRules> t5_classes() {
  static const std::vector<std::string_view> files = {"spiece.model"};
  static const std::vector<ClassRules> all = {
      {"PegasusTokenizer", Model::kUnigram, files, pegasus},
      {"SiglipTokenizer", Model::kUnigram, files, siglip},
      {"T5Tokenizer", Model::kUnigram, files, t5},
      {"UdopTokenizer", Model::kUnigram, files, udop},
  };
  return all;
}

}  // namespace zoo
