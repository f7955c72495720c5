// Sentence embeddings. Reimers & Gurevych 2019 (arXiv:1908.10084): a BERT, its tokens pooled, then
// the other modules of the folder's modules.json, as in the library sentence-transformers.
#pragma once
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "infer/show_ids.h"
#include "infer/text/text_encoder.h"
#include "models/pretrained/bert/sentence_config.h"

namespace zoo {

class SentenceEncoder {
 public:
  /// Throws std::runtime_error with one line.
  SentenceEncoder(const std::filesystem::path& folder, torch::Device device = torch::kCPU,
                  const std::string& attention = {});
  /// N texts -> [N, E]. Each is prefixed with `prompt` and truncated to the encoder's limit.
  torch::Tensor encode(const std::vector<std::string>& texts, const std::string& prompt = {});
  const SentenceConfig& config() const { return config_; }
  /// `on_ids` is called with the ids of every text from now on.
  void observe_ids(IdsObserver on_ids) { on_ids_ = std::move(on_ids); }

 private:
  struct Step {
    SentenceStep config;
    torch::nn::Linear dense{nullptr};
    torch::nn::LayerNorm norm{nullptr};
  };
  Step load_step(const SentenceStep& step) const;
  std::string in_lower_case(std::string_view text) const;
  std::vector<int32_t> ids_of(const std::string& text) const;
  int64_t prompt_tokens(const std::string& prompt) const;
  torch::Tensor encode_rows(const std::vector<std::vector<int32_t>>& ids, int64_t skipped);
  torch::Tensor follow_steps(torch::Tensor vectors);

  torch::Device device_;
  SentenceConfig config_;
  TextEncoder encoder_;
  std::vector<std::string> special_pieces_;
  int64_t limit_ = 0;  // tokens of a text, including the template's
  std::vector<Step> steps_;
  IdsObserver on_ids_;
};

}  // namespace zoo
