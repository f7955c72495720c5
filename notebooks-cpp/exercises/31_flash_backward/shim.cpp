#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/31_flash_backward/flash_backward.h"

using exercises::Value;
using exercises::Values;

namespace {

torch::Tensor mask(const Value& value) {
  return value.isNone() ? torch::Tensor() : value.toTensor();
}

}  // namespace

EXERCISE_SHIM(EXERCISE_FUNCTION(row_delta),
              {"tile_weights",
               [](const Values& in) -> Value {
                 return tile_weights(in.at(0).toTensor(), in.at(1).toTensor(), mask(in.at(2)),
                                     in.at(3).toDouble(), in.at(4).toTensor());
               }},
              {"flash_backward", [](const Values& in) -> Value {
                 return flash_backward(in.at(0).toTensor(), in.at(1).toTensor(),
                                       in.at(2).toTensor(), mask(in.at(3)), in.at(4).toDouble(),
                                       in.at(5).toTensor(), in.at(6).toTensor(),
                                       in.at(7).toTensor(), in.at(8).toInt(), in.at(9).toInt());
               }})
