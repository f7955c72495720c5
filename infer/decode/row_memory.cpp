#include "infer/decode/row_memory.h"

#include <fmt/format.h>

#include <stdexcept>

#include "base/memory_limit.h"

namespace zoo {

void check_row_memory(double row_bytes, int64_t beams, int64_t samples, int64_t prompts) {
  const double rows =
      static_cast<double>(beams > 1 ? beams : samples) * static_cast<double>(prompts);
  const double there = memory_limit();
  if (row_bytes * rows <= there) return;
  constexpr double kMiB = 1024.0 * 1024.0;
  throw std::runtime_error(fmt::format(
      "{:.0f} rows of {:.3g} MiB each need {:.3g} GiB, and {:.3g} GiB is available; give a smaller "
      "--{}, or --batch-size 1",
      rows, row_bytes / kMiB, row_bytes * rows / kMiB / 1024, there / kMiB / 1024,
      beams > 1 ? "num-beams" : "num-return-sequences"));
}

}  // namespace zoo
