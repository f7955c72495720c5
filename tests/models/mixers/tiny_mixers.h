// Mixers so small that a text of a few tokens has several chunks and buckets.
#pragma once
#include "models/mixers/mixer_options.h"

namespace zoo::testing {

/// Changes those options alone that the mixers of `o` read.
inline void shrink(MixerOptions& o) {
  for (const MixerKind kind : mixer_kinds(o)) {
    if (kind == MixerKind::kReformer) {
      o.reformer_chunk = 3;
      o.reformer_buckets = 4;
    } else if (kind != MixerKind::kSoftmax && kind != MixerKind::kLinformer) {
      o.mixer_chunk = 3;
    }
  }
}

}  // namespace zoo::testing
