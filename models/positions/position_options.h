// The position scheme of a sequence model. To add one: a class in this folder, its kind in
// position.h, and a row of the table in position_options.cpp.
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "models/positions/position.h"
#include "models/positions/rotary.h"
#include "models/positions/sinusoidal.h"

namespace zoo {

struct PositionOptions {
  PositionKind position = PositionKind::kLearned;
  RotaryOptions rotary = {};
  SinusoidOrder sinusoids = SinusoidOrder::kInterleaved;
  int64_t position_offset = 0;  ///< unused rows before position 0 of a learned table (BART: 2)
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
  field("rotary-scaling", o.rotary.scaling, "Rotary positions beyond the trained length");
  field("rotary-factor", o.rotary.factor, "Rotary scaling: by how much");
  field("rotary-low-frequency", o.rotary.low_frequency, "Rotary scaling llama3: low_freq_factor");
  field("rotary-high-frequency", o.rotary.high_frequency,
        "Rotary scaling llama3: high_freq_factor");
  field("rotary-original-context", o.rotary.original_context,
        "Rotary scaling llama3: context trained on");
}

/// Throws OptionError for values that are invalid, or invalid for this head width.
void check(const PositionOptions& options, int64_t head_width);

/// The sizes that a scheme must fit.
struct PositionSizes {
  int64_t positions = 0;        ///< longest sequence
  int64_t embedding_width = 0;  ///< of the vectors that embed() adds to
  int64_t heads = 0;            ///< H
  int64_t head_width = 0;       ///< Dh
};

/// Creates the scheme; throws c10::Error if it does not fit.
std::shared_ptr<Position> make_position(const PositionOptions& options, const PositionSizes& sizes);

}  // namespace zoo
