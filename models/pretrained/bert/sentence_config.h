// The small files of a sentence encoder, as the library sentence-transformers writes them:
// modules.json with one folder a module, sentence_bert_config.json,
// config_sentence_transformers.json.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/named_enum.h"
#include "models/layers/token_pooling.h"

namespace zoo {

/// How two embeddings are compared: the larger the nearer.
enum class Similarity { kCosine, kDot, kEuclidean, kManhattan };
template <>
struct EnumNames<Similarity> {
  static constexpr std::string_view what = "similarity_fn_name";
  static constexpr std::pair<Similarity, std::string_view> values[] = {
      {Similarity::kCosine, "cosine"},
      {Similarity::kDot, "dot"},
      {Similarity::kEuclidean, "euclidean"},
      {Similarity::kManhattan, "manhattan"}};
};

/// What follows the pooling, by the name of the library's module.
enum class SentenceStepKind { kNormalize, kDense, kLayerNorm };
struct SentenceStep {
  SentenceStepKind kind = SentenceStepKind::kNormalize;
  std::filesystem::path folder = {};  ///< with the weights
  int64_t in_features = 0, out_features = 0;
  bool bias = true;
  std::string activation = "torch.nn.modules.activation.Tanh";  ///< Python's class; Identity: none
};

/// Folders without modules.json are encoders alone, to the library and here: the mean of the
/// tokens.
struct SentenceConfig {
  std::filesystem::path encoder;  ///< folder of the transformer and its tokenizer
  int64_t max_length = 0;         ///< of a text in tokens, the template's included; 0: not said
  bool lower_case = false;        ///< texts in lower case before the tokenizer reads them
  std::vector<TokenPooling> pooling = {TokenPooling::kMean};
  bool include_prompt = true;            ///< false: a prompt's tokens are not pooled
  std::vector<SentenceStep> steps = {};  ///< in their order
  std::map<std::string, std::string> prompts = {};
  std::string default_prompt = {};  ///< name among them; empty: none
  Similarity similarity = Similarity::kCosine;
  int64_t dimensions = 0;  ///< the first so many are kept; 0: all

  /// The prompt of this name, else the default one, else nothing.
  std::string prompt(const std::string& name) const;
};

/// Throws std::runtime_error with one line that names the file and the key: modules and values that
/// the zoo does not have.
SentenceConfig read_sentence_config(const std::filesystem::path& folder);

/// `model_max_length` of tokenizer_config.json, or nothing where there is none or it is no limit.
std::optional<int64_t> tokenizer_max_length(const std::filesystem::path& folder);

}  // namespace zoo
