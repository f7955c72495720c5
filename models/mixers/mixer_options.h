// The mixer of a stack, as programs choose it: `--mixer ssd`, or a pattern of mixers by layer
// (`--mixer-pattern ssd,ssd,softmax`). To add a mixer: a class in this folder, its kind in mixer.h,
// and a row of the table in mixer_options.cpp.
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "models/mixers/mixer.h"

namespace zoo {

struct MixerOptions {
  MixerKind mixer = MixerKind::kSoftmax;
  std::string mixer_pattern = {};  ///< "ssd,ssd,softmax": by layer, repeated; empty: `mixer`
  int64_t mixer_chunk = 64;        ///< W: causal mixers but Reformer
  int64_t mixer_expand = 2;        ///< width of the values / C: retention, ssd
  int64_t gate_rank = 16;          ///< gla
  int64_t state_width = 64;        ///< N: ssd
  int64_t state_groups = 1;        ///< G: ssd
  int64_t convolution = 4;         ///< K: ssd
  int64_t features = 0;            ///< M: performer; 0: Dh ln Dh
  int64_t projected_length = 0;    ///< K: linformer; 0: a quarter of the longest text
  int64_t hash_rounds = 2;         ///< R: reformer
  int64_t hash_buckets = 16;       ///< n: reformer; a power of two
  int64_t hash_chunk = 32;         ///< m: reformer
};

/// The fields except those in `skipped`, as in visit_stack().
template <class Visitor>
void visit_mixers(MixerOptions& o, std::initializer_list<std::string_view> skipped, Visitor&& v) {
  const auto field = [&](const char* name, auto& value, const char* help) {
    if (std::find(skipped.begin(), skipped.end(), name) == skipped.end()) v(name, value, help);
  };
  field("mixer", o.mixer, "How tokens are mixed");
  field("mixer-pattern", o.mixer_pattern, "Mixers by layer, repeated: ssd,ssd,softmax");
  field("mixer-chunk", o.mixer_chunk, "Causal linear mixers: tokens computed together");
  field("mixer-expand", o.mixer_expand, "Retention, ssd: width of the values / d-model");
  field("gate-rank", o.gate_rank, "Gla: rank of the matrix of the decays");
  field("state-width", o.state_width, "Ssd: hidden numbers of each channel");
  field("state-groups", o.state_groups,
        "Ssd: groups of heads that share their inputs, dividing heads");
  field("convolution", o.convolution, "Ssd: tokens that the convolution sees");
  field("features", o.features, "Performer: random features (0: Dh ln Dh)");
  field("projected-length", o.projected_length,
        "Linformer: length of the projected keys (0: a quarter of the longest text)");
  field("hash-rounds", o.hash_rounds, "Reformer: hash rounds");
  field("hash-buckets", o.hash_buckets, "Reformer: buckets, a power of two");
  field("hash-chunk", o.hash_chunk, "Reformer: tokens that are compared with each other");
}

/// The sizes that a mixer must fit.
struct MixerSizes {
  int64_t d_model = 0;              ///< C
  int64_t heads = 0;                ///< H
  int64_t positions = 0;            ///< longest text; for linformer only
  bool bias = true;                 ///< on the projections
  bool causal = true;               ///< what the model asks for
  std::string attention = "torch";  ///< kernel of attend(); for linformer only
};

/// Throws OptionError for values that are invalid, or invalid for these sizes and `layers`.
void check(const MixerOptions& options, const MixerSizes& sizes, int64_t layers);

/// The mixer of layer n (from 0). Throws OptionError where the pattern names none.
MixerKind mixer_of_layer(const MixerOptions& options, int64_t n);

/// Creates the mixer, its weights as torch's layers begin; throws c10::Error if it does not fit, or
/// for kSoftmax, which is MultiHeadAttention.
std::shared_ptr<TokenMixer> make_mixer(MixerKind kind, const MixerOptions& options,
                                       const MixerSizes& sizes);

}  // namespace zoo
