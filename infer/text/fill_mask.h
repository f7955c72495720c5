// Predicts masked tokens with a masked language model. Devlin et al. 2018 (arXiv:1810.04805), §3.1.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "infer/show_ids.h"
#include "infer/text/text_encoder.h"

namespace zoo {

struct FillMaskOptions {
  int64_t top_k = 5;
  std::vector<std::string> targets = {};  ///< only these pieces; empty: the whole vocabulary
  IdsObserver on_ids = {};                ///< called with the text's ids
};

/// One prediction for one mask; the fields of `transformers`' fill-mask pipeline.
struct MaskFilling {
  double score = 0.0;  ///< probability in the whole vocabulary
  int32_t token = 0;
  std::string token_str;
  std::string
      sequence;  ///< the text with this mask filled; special tokens only where others remain
};

class MaskFiller {
 public:
  /// Throws std::runtime_error with one line, also for a model without masked-LM head or a
  /// tokenizer without mask token.
  MaskFiller(const std::filesystem::path& folder, torch::Device device = torch::kCPU,
             const std::string& attention = {});
  /// The best predictions for each mask in the text, best first. Throws std::runtime_error for a
  /// text without mask or longer than the context, and for a target that is not a piece.
  std::vector<std::vector<MaskFilling>> fill(std::string_view text, const FillMaskOptions& options);

 private:
  std::vector<int32_t> without_padding(std::vector<int32_t> ids) const;
  std::vector<int32_t> shown(std::vector<int32_t> ids) const;
  torch::Tensor candidates(const FillMaskOptions& options) const;
  torch::Device device_;
  TextEncoder encoder_;
};

}  // namespace zoo
