// The position scheme of a sequence model. To add one: a class in this folder, its kind in
// position.h, and a row of the table in position_options.cpp.
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "models/positions/bucketed.h"
#include "models/positions/position.h"
#include "models/positions/rotary.h"
#include "models/positions/sinusoidal.h"

namespace zoo {

struct PositionOptions {
  PositionKind position = PositionKind::kLearned;
  RotaryOptions rotary = {};
  SinusoidOrder sinusoids = SinusoidOrder::kInterleaved;
  int64_t position_offset = 0;    ///< unused rows before position 0 of a learned table (BART: 2)
  RelativeBuckets relative = {};  ///< but for `bidirectional`, which the model knows
};

/// The fields except those in `skipped`, as in visit_stack().
template <class Visitor>
void visit_positions(PositionOptions& o, std::initializer_list<std::string_view> skipped,
                     Visitor&& v) {
  const auto field = [&](const char* name, auto& value, const char* help) {
    if (std::find(skipped.begin(), skipped.end(), name) == skipped.end()) v(name, value, help);
  };
  field("position", o.position, "How the model knows the order of its tokens");
  field("sinusoids", o.sinusoids, "Sinusoidal positions: order of sines and cosines");
  field("position-offset", o.position_offset, "Learned positions: unused rows before the first");
  field("rotary-base", o.rotary.base, "Rotary positions: longest wavelength / (2 pi)");
  field("rotary-share", o.rotary.share, "Rotary positions: share of a head's width that rotates");
  field("rotary-pairs", o.rotary.pairs, "Rotary positions: which coordinates rotate together");
  field("rotary-scaling", o.rotary.scaling, "Rotary positions beyond the trained length");
  field("rotary-factor", o.rotary.factor, "Rotary scaling: by how much");
  field("rotary-low-frequency", o.rotary.low_frequency,
        "Rotary scaling yarn, llama3: fewer turns are interpolated (0: 1)");
  field("rotary-high-frequency", o.rotary.high_frequency,
        "Rotary scaling yarn, llama3: more turns are kept (0: yarn 32, llama3 4)");
  field("rotary-original-context", o.rotary.original_context,
        "Rotary scaling dynamic, yarn, llama3: context trained on");
  field("rotary-attention-factor", o.rotary.attention_factor,
        "Rotary scaling yarn: times queries and keys (0: 0.1 ln(factor) + 1)");
  field("rotary-whole-pairs", o.rotary.whole_pairs, "Rotary scaling yarn: bounds are rounded");
  field("relative-buckets", o.relative.buckets, "T5 positions: buckets of distances");
  field("relative-distance", o.relative.max_distance,
        "T5 positions: from this distance on all share a bucket");
}

/// Throws OptionError for values that are invalid, or invalid for this head width. `bidirectional`:
/// as in PositionSizes.
void check(const PositionOptions& options, int64_t head_width, bool bidirectional = false);

/// The sizes that a scheme must fit.
struct PositionSizes {
  int64_t positions = 0;        ///< longest sequence
  int64_t embedding_width = 0;  ///< of the vectors that embed() adds to
  int64_t heads = 0;            ///< H
  int64_t head_width = 0;       ///< Dh
  bool bidirectional = false;   ///< keys after a query are seen, too
  int64_t model_width = 0;      ///< C: of the residual stream
};

/// Creates the scheme; throws c10::Error if it does not fit.
std::shared_ptr<Position> make_position(const PositionOptions& options, const PositionSizes& sizes);

}  // namespace zoo
