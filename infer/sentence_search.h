// Texts of like meaning, by the cosine of their sentence embeddings. Reimers & Gurevych 2019
// (arXiv:1908.10084).
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/bert_task.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

struct FoundSentence {
  int64_t index = 0;   ///< among the sentences searched
  double score = 0.0;  ///< cosine
};

class SentenceEncoder {
 public:
  /// Throws std::runtime_error with one line.
  SentenceEncoder(const std::filesystem::path& folder, torch::Device device = torch::kCPU,
                  const std::string& attention = {});
  /// N texts -> [N, C], rows of length one. Longer texts are cut at the context, as
  /// sentence-transformers does.
  torch::Tensor encode(const std::vector<std::string>& texts);

 private:
  torch::Tensor encode_batch(const std::vector<std::vector<int32_t>>& ids);
  torch::Device device_;
  BertTaskModel model_{nullptr};
  std::unique_ptr<Tokenizer> tokenizer_;
};

/// query [C], sentences [N, C] -> the nearest `top_n`, best first; without those whose score is no
/// number.
std::vector<FoundSentence> nearest(const torch::Tensor& query, const torch::Tensor& sentences,
                                   int64_t top_n);

}  // namespace zoo
