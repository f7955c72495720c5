#include "tokenizers/auto/sentencepiece_stages.h"

namespace zoo::sentencepiece_stages {

using nlohmann::json;

json stage(const char* type) { return {{"type", type}}; }

json replace(const char* from, const char* to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

json replace_regex(const char* from, const char* to) {
  return {{"type", "Replace"}, {"pattern", {{"Regex", from}}}, {"content", to}};
}

json metaspace(const char* scheme, bool split) {
  return {
      {"type", "Metaspace"}, {"replacement", kMark}, {"prepend_scheme", scheme}, {"split", split}};
}

json marked_words(const char* scheme) {
  return sequence_json("pretokenizers", {stage("WhitespaceSplit"), metaspace(scheme)});
}

void add_charsmap(const ClassInput& in, json::array_t& steps) {
  if (in.source.charsmap.empty()) return;
  steps.push_back({{"type", "Precompiled"}, {"precompiled_charsmap", in.source.charsmap}});
}

json charsmap_alone(const ClassInput& in) {
  json::array_t steps;
  add_charsmap(in, steps);
  return steps.empty() ? json() : steps.front();
}

json charsmap_and_one_space(const ClassInput& in) {
  json::array_t steps;
  add_charsmap(in, steps);
  steps.push_back(replace_regex(" {2,}", " "));
  return sequence_json("normalizers", std::move(steps));
}

const char* scheme_of(const ClassInput& in) {
  return in.flag("add_prefix_space", true) ? "always" : "never";
}

json unigram(const ClassInput& in, int64_t unk_id) {
  return {{"type", "Unigram"},
          {"unk_id", unk_id},
          {"vocab", in.source.vocab},
          {"byte_fallback", false}};
}

ClassParts unigram_on_words(const ClassInput& in, const char* scheme, int64_t unk_id) {
  return {.pre_tokenizer = marked_words(scheme),
          .decoder = metaspace(scheme),
          .model = unigram(in, unk_id)};
}

ClassParts unigram_on_text(const ClassInput& in, const char* scheme, int64_t unk_id) {
  return {.pre_tokenizer = metaspace(scheme),
          .decoder = metaspace(scheme),
          .model = unigram(in, unk_id)};
}

ClassParts bpe_on_text(ClassInput& in, const std::string& unk) {
  json model = bpe_json(in.source);
  model["fuse_unk"] = true;
  model["unk_token"] = unk;
  return {.normalizer = in.source.charsmap.empty() ? json() : charsmap_and_one_space(in),
          .pre_tokenizer = metaspace("always"),
          .decoder = metaspace("always"),
          .model = std::move(model)};
}

std::optional<int64_t> index_of(const json& vocab, const std::string& text, size_t from,
                                bool zero) {
  for (size_t id = from; id < vocab.size(); ++id) {
    const json& entry = vocab[id];
    if (entry.at(0) == text && (!zero || entry.at(1).get<double>() == 0)) {
      return static_cast<int64_t>(id);
    }
  }
  return std::nullopt;
}

json entry(std::string text, double score) { return json::array({std::move(text), score}); }

void fairseq_order(ClassInput& in, const char* first, const std::vector<std::string_view>& last) {
  if (!in.source.from_model) return;
  constexpr size_t kSkipped = 3;  // the model's <unk>, <s>, </s>
  json vocab =
      json::array({entry(in.token(first, "<s>")), entry(in.token("pad_token", "<pad>")),
                   entry(in.token("eos_token", "</s>")), entry(in.token("unk_token", "<unk>"))});
  for (size_t id = kSkipped; id < in.source.vocab.size(); ++id) {
    vocab.push_back(in.source.vocab[id]);
  }
  for (const std::string_view text : last) vocab.push_back(entry(std::string(text)));
  vocab.push_back(entry(in.token("mask_token", "<mask>")));
  in.source.vocab = std::move(vocab);
}

std::function<json(const TokenIds&)> cls_sep(const std::string& cls, const std::string& sep) {
  return [cls, sep](const TokenIds& id_of) {
    return template_json({{cls}, {"$A"}, {sep}}, {{cls}, {"$A"}, {sep}, {"$B", 1}, {sep, 1}},
                         id_of);
  };
}

std::function<json(const TokenIds&)> t5_end(const std::string& eos) {
  return [eos](const TokenIds& id_of) {
    return template_json({{"$A"}, {"</s>"}}, {{"$A"}, {"</s>"}, {"$B"}, {"</s>"}},
                         [&](const std::string&) { return id_of(eos); });
  };
}

}  // namespace zoo::sentencepiece_stages
