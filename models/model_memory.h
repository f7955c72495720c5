// What a model's weights need at the least, from its sizes alone: before anything is allocated.
#pragma once
#include <cstdint>

namespace zoo {

/// The sizes of a stack of transformer blocks; doubles, because no product of them may overflow.
struct StackSizes {
  double layers = 0;
  double d_model = 0;
  double feed_forward = 0;   ///< 0: 4 d_model
  double query_width = 0;    ///< of all heads together; 0: d_model
  double key_width = 0;      ///< of all key-value heads together; 0: as query_width
  double table_weights = 0;  ///< of embeddings and other tables
};

/// Throws std::invalid_argument, in one line, where the weights in float32 and what LibTorch keeps
/// for each layer would not fit this machine.
void require_model_memory(const StackSizes& sizes);

}  // namespace zoo
