#include "train/program/model_memory.h"

#include <fmt/format.h>

#include "base/memory_limit.h"
#include "models/device.h"
#include "train/program/usage.h"

namespace zoo {
namespace {

constexpr double kLayerObjects = 10e3;  // bytes of a layer's modules, tensors and names

}  // namespace

void check_memory(const ModelCost& cost, const TrainOptions& options, const TrainCommand& command) {
  const bool trains = command.evaluate_only.empty() && find_device(options.device).is_cpu();
  const double copies = trains ? 4.0 + (options.ema_decay > 0.0 ? 1.0 : 0.0) : 1.0;
  const double bytes = sizeof(float) * copies * cost.parameters + kLayerObjects * cost.layers;
  const auto model = fmt::format("{}a model of {:.3g} M parameters in {:.0f} layers",
                                 trains ? "training " : "", cost.parameters / 1e6, cost.layers);
  check_usage([&] { require_memory(bytes, model, "choose fewer layers, or less wide ones"); });
}

}  // namespace zoo
