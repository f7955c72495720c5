// Tiles of scores are transposed: a row is a key, the lanes of a vector are queries. So the maximum
// and the sum of a softmax go down the rows, vector by vector, and never across lanes. Only q^T
// (backward: dy^T, too) is packed, once a tile; k and v are read in place, one number broadcast to
// all lanes at a time.
#include "models/attention/kernels/flash_tiles.h"

#include <stdexcept>

#include "models/simd/instruction_sets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/attention/kernels/flash_tiles.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "models/attention/kernels/flash_backward-inl.h"
#include "models/attention/kernels/flash_forward-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zoo::flash::HWY_NAMESPACE {

const char* instruction_set() { return hwy::TargetName(HWY_TARGET); }

}  // namespace zoo::flash::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zoo::flash {
HWY_EXPORT(forward_tile);
HWY_EXPORT(backward_tile);
HWY_EXPORT(instruction_set);

void forward_tile(const KernelArgs<float>& args, const KernelOutputs<float>& outputs, int64_t b,
                  int64_t h, int64_t tile) {
  HWY_DYNAMIC_DISPATCH(forward_tile)(args, outputs, b, h, tile);
}

void backward_tile(const KernelArgs<float>& args, const KernelGradients<float>& gradients,
                   int64_t b, int64_t h, int64_t tile, const HeadSums& sums) {
  HWY_DYNAMIC_DISPATCH(backward_tile)(args, gradients, b, h, tile, sums);
}

std::string instruction_set() { return HWY_DYNAMIC_DISPATCH(instruction_set)(); }

namespace {

// One bit for each instruction set that is compiled in and that the processor supports; the lowest
// bit is the best set.
int64_t usable_sets() {
  static const int64_t usable = hwy::SupportedTargets() & HWY_TARGETS;
  return usable;
}

}  // namespace

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (int64_t left = usable_sets(); left != 0; left &= left - 1)
    names.emplace_back(hwy::TargetName(left & -left));
  return names;
}

void use_instruction_set(std::string_view name) {
  std::string known;
  for (int64_t left = usable_sets(); left != 0; left &= left - 1) {
    const int64_t set = left & -left;
    if (hwy::TargetName(set) == name) return hwy::GetChosenTarget().Update(set);
    known += (known.empty() ? "" : ", ") + std::string(hwy::TargetName(set));
  }
  throw std::invalid_argument("no instruction set '" + std::string(name) +
                              "' here; there are: " + known);
}

}  // namespace zoo::flash
#endif
