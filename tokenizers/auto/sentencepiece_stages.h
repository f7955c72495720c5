// Stages that several classes with SentencePiece vocabularies share.
#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/auto/class_rules.h"

namespace zoo::sentencepiece_stages {

inline constexpr const char* kMark = "\xE2\x96\x81";  ///< U+2581, which stands for a space

nlohmann::json stage(const char* type);
nlohmann::json replace(const char* from, const char* to);
nlohmann::json replace_regex(const char* from, const char* to);
nlohmann::json metaspace(const char* scheme, bool split = true);
/// Words, each with a mark before it.
nlohmann::json marked_words(const char* scheme);
/// "always" or "never", by add_prefix_space.
const char* scheme_of(const ClassInput& in);

/// The file's normalisation, if it has one.
void add_charsmap(const ClassInput& in, nlohmann::json::array_t& steps);
nlohmann::json charsmap_alone(const ClassInput& in);
/// The same, then runs of spaces as one.
nlohmann::json charsmap_and_one_space(const ClassInput& in);

/// An entry of a unigram model's list.
nlohmann::json entry(std::string text, double score = 0);
nlohmann::json unigram(const ClassInput& in, int64_t unk_id);
/// A unigram model on marked_words(scheme).
ClassParts unigram_on_words(const ClassInput& in, const char* scheme, int64_t unk_id);
/// A unigram model on metaspace(scheme).
ClassParts unigram_on_text(const ClassInput& in, const char* scheme, int64_t unk_id);
/// BPE on metaspace("always"), with unknown pieces fused. Moves the pieces out of the source.
ClassParts bpe_on_text(ClassInput& in, const std::string& unk);
/// The first entry with that text, from index `from` on; with score 0 if `zero`.
std::optional<int64_t> index_of(const nlohmann::json& vocab, const std::string& text, size_t from,
                                bool zero);
/// Renumbers the vocabulary of a .model: fairseq's four special tokens, the model's pieces from the
/// fourth on, `last`, and the mask.
void fairseq_order(ClassInput& in, const char* first, const std::vector<std::string_view>& last);

/// [CLS] A [SEP], [CLS] A [SEP] B [SEP] with segment 1 for B.
std::function<nlohmann::json(const TokenIds&)> cls_sep(const std::string& cls,
                                                       const std::string& sep);

/// An end token, always named </s>, with the id of `eos`.
std::function<nlohmann::json(const TokenIds&)> t5_end(const std::string& eos);

}  // namespace zoo::sentencepiece_stages
