// On which side a folder's batches are cut and padded.
#pragma once
#include <filesystem>

#include "tokenizers/batch.h"

namespace zoo {

struct BatchSides {
  Side padding = Side::kRight;
  Side truncation = Side::kRight;
};

/// padding_side and truncation_side of tokenizer_config.json, else the directions in
/// tokenizer.json, else right. The reference's class LlamaTokenizer pads on the left where neither
/// file has a side; here a folder has to name it. Throws std::runtime_error for a side other than
/// left and right.
BatchSides batch_sides(const std::filesystem::path& folder);

}  // namespace zoo
