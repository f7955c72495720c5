// One table row per scheme.
#include "models/positions/position_options.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/option_checks.h"
#include "models/positions/alibi.h"
#include "models/positions/learned.h"
#include "models/positions/transformer_xl.h"

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
    {PositionKind::kRotary,
     [](const Options& o, const Sizes& s) -> Made {
       return std::make_shared<RotaryPosition>(s.head_width, o.rotary);
     }},
    {PositionKind::kAlibi,
     [](const Options&, const Sizes& s) -> Made {
       return std::make_shared<AlibiPosition>(s.heads);
     }},
    {PositionKind::kBucketed,
     [](const Options& o, const Sizes& s) -> Made {
       RelativeBuckets options = o.relative;
       options.bidirectional = s.bidirectional;
       return std::make_shared<BucketedPosition>(s.heads, options);
     }},
    {PositionKind::kTransformerXl, [](const Options&, const Sizes& s) -> Made {
       return std::make_shared<TransformerXlPosition>(s.heads, s.head_width, s.model_width);
     }}};

}  // namespace

std::shared_ptr<Position> make_position(const PositionOptions& options,
                                        const PositionSizes& sizes) {
  for (const auto& [kind, make] : kSchemes)
    if (kind == options.position) return make(options, sizes);
  TORCH_CHECK(false, "make_position: unknown position scheme");
}

namespace {

void check_rotary(const RotaryOptions& o, int64_t head_width) {
  require_option(o.share > 0.0 && o.share <= 1.0, "rotary-share", o.share, "above 0, at most 1");
  require_option(o.share < 1.0 || head_width % 2 == 0, "head-width", head_width,
                 "even with rotary positions");
  require_option(rotary_width(head_width, o) >= 2, "rotary-share", o.share,
                 fmt::format("at least {:.3g}, such that two of {} coordinates rotate",
                             2.0 / static_cast<double>(head_width), head_width));
  require_option(std::isfinite(o.base) && o.base > 0.0, "rotary-base", o.base, "positive");
  if (o.scaling == RotaryScaling::kNone) return;
  require_option(std::isfinite(o.factor) && o.factor > 0.0, "rotary-factor", o.factor, "positive");
  if (o.scaling == RotaryScaling::kLinear || o.scaling == RotaryScaling::kNtk) return;
  require_option(o.original_context > 0, "rotary-original-context", o.original_context,
                 "1 or more");
  if (o.scaling == RotaryScaling::kDynamic) {
    require_option(o.factor >= 1.0, "rotary-factor", o.factor, "1 or more");
    return;
  }
  for (const auto& [option, value] : {std::pair("rotary-low-frequency", o.low_frequency),
                                      {"rotary-high-frequency", o.high_frequency},
                                      {"rotary-attention-factor", o.attention_factor}})
    require_option(std::isfinite(value) && value >= 0.0, option, value, "0 or more");
  const double high = high_frequency_of(o);
  require_option(high > low_frequency_of(o), "rotary-high-frequency", high,
                 "above " + option_name("rotary-low-frequency"));
  require_option(o.scaling != RotaryScaling::kYarn || o.base > 1.0, "rotary-base", o.base,
                 "above 1 with scaling yarn");
}

}  // namespace

void check(const PositionOptions& o, int64_t head_width, bool bidirectional) {
  require_option(o.position_offset >= 0, "position-offset", o.position_offset, "0 or more");
  if (o.position == PositionKind::kRotary) check_rotary(o.rotary, head_width);
  if (o.position != PositionKind::kBucketed) return;
  const int64_t sides = bidirectional ? 2 : 1, buckets = o.relative.buckets;
  require_option(buckets >= 2 * sides && buckets % sides == 0 && buckets <= 1 << 20,
                 "relative-buckets", buckets,
                 bidirectional ? "even, 4 or more, and at most 1048576" : "from 2 to 1048576");
  require_option(
      o.relative.max_distance > buckets / sides / 2, "relative-distance", o.relative.max_distance,
      fmt::format("above {}: so many distances have a bucket of their own", buckets / sides / 2));
}

}  // namespace zoo
