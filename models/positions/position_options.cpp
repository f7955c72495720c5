// One table row per scheme.
#include "models/positions/position_options.h"

#include <c10/util/Exception.h>

#include <cmath>
#include <utility>

#include "base/option_checks.h"
#include "models/positions/learned.h"

namespace zoo {
namespace {

using Made = std::shared_ptr<Position>;
using Options = PositionOptions;
using Sizes = PositionSizes;

constexpr std::pair<PositionKind, Made (*)(const Options&, const Sizes&)> kSchemes[] = {
    {PositionKind::kNone,
     [](const Options&, const Sizes&) -> Made { return std::make_shared<Position>(); }},
    {PositionKind::kLearned,
     [](const Options& o, const Sizes& s) -> Made {
       return std::make_shared<LearnedPosition>(s.positions, s.embedding_width, o.position_offset);
     }},
    {PositionKind::kSinusoidal,
     [](const Options& o, const Sizes& s) -> Made {
       return std::make_shared<SinusoidalPosition>(s.positions, s.embedding_width, o.sinusoids);
     }},
    {PositionKind::kRotary, [](const Options& o, const Sizes& s) -> Made {
       return std::make_shared<RotaryPosition>(s.head_width, o.rotary);
     }}};

}  // namespace

std::shared_ptr<Position> make_position(const PositionOptions& options,
                                        const PositionSizes& sizes) {
  for (const auto& [kind, make] : kSchemes)
    if (kind == options.position) return make(options, sizes);
  TORCH_CHECK(false, "make_position: unknown position scheme");
}

void check(const PositionOptions& o, int64_t head_width) {
  require_option(o.position_offset >= 0, "position-offset", o.position_offset, "0 or more");
  if (o.position != PositionKind::kRotary) return;
  require_option(head_width % 2 == 0, "head-width", head_width, "even with rotary positions");
  require_option(std::isfinite(o.rotary.base) && o.rotary.base > 0.0, "rotary-base", o.rotary.base,
                 "positive");
  if (o.rotary.scaling == RotaryScaling::kNone) return;
  require_option(std::isfinite(o.rotary.factor) && o.rotary.factor > 0.0, "rotary-factor",
                 o.rotary.factor, "positive");
  if (o.rotary.scaling == RotaryScaling::kLinear) return;
  require_option(o.rotary.original_context > 0, "rotary-original-context",
                 o.rotary.original_context, "1 or more");
  require_option(o.rotary.high_frequency > o.rotary.low_frequency, "rotary-high-frequency",
                 o.rotary.high_frequency, "above " + option_name("rotary-low-frequency"));
}

}  // namespace zoo
