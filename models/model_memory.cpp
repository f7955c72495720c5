// A lower bound: biases, norms and gates are left out.
#include "models/model_memory.h"

#include "base/memory.h"

namespace zoo {

void require_model_memory(const StackSizes& sizes) {
  constexpr double kLayerItself = 8192;  // modules and tensors, however small
  const double C = sizes.d_model, F = sizes.feed_forward > 0 ? sizes.feed_forward : 4 * C;
  const double queries = sizes.query_width > 0 ? sizes.query_width : C;
  const double keys = sizes.key_width > 0 ? sizes.key_width : queries;
  const double layer = 2 * C * queries + 2 * C * keys + 2 * C * F;
  const double weights = sizes.layers * layer + sizes.table_weights;
  require_memory(sizeof(float) * weights + kLayerItself * sizes.layers, "the model",
                 "choose fewer layers, a smaller width or a shorter context");
}

}  // namespace zoo
