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
#include <vector>

#include "models/mixers/mixer.h"

namespace zoo {

struct MixerOptions {
  MixerKind mixer = MixerKind::kSoftmax;
  std::string mixer_pattern = {};  ///< "ssd,ssd,softmax": by layer, repeated; empty: `mixer`
  int64_t mixer_chunk = 64;        ///< W: causal mixers but Reformer
  int64_t mixer_expand = 2;        ///< width of the values / C: retention, ssd
  int64_t gla_rank = 16;           ///< gla
  int64_t ssd_state = 64;          ///< N: ssd
  int64_t ssd_groups = 1;          ///< G: ssd
  int64_t ssd_convolution = 4;     ///< K: ssd
  int64_t performer_features = 0;  ///< M: performer; 0: Dh ln Dh
  int64_t linformer_length = 0;    ///< K: linformer; 0: a quarter of the longest text
  int64_t reformer_rounds = 2;     ///< R: reformer
  int64_t reformer_buckets = 16;   ///< n: reformer; a power of two
  int64_t reformer_chunk = 32;     ///< m: reformer
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
  field("gla-rank", o.gla_rank, "Gla: rank of the matrix of the decays");
  field("ssd-state", o.ssd_state, "Ssd: hidden numbers of each channel");
  field("ssd-groups", o.ssd_groups, "Ssd: groups of heads that share their inputs, dividing heads");
  field("ssd-convolution", o.ssd_convolution, "Ssd: tokens that the convolution sees");
  field("performer-features", o.performer_features, "Performer: random features (0: Dh ln Dh)");
  field("linformer-length", o.linformer_length,
        "Linformer: length of the projected keys (0: a quarter of the longest text)");
  field("reformer-rounds", o.reformer_rounds, "Reformer: hash rounds");
  field("reformer-buckets", o.reformer_buckets, "Reformer: buckets, a power of two");
  field("reformer-chunk", o.reformer_chunk, "Reformer: tokens that are compared with each other");
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

/// Whether any layer has another mixer than softmax attention.
bool has_mixers(const MixerOptions& options);
/// The mixers of the pattern, or the one of all layers. Throws OptionError for an unknown name.
std::vector<MixerKind> mixer_kinds(const MixerOptions& options);
/// The mixer of layer n (from 0).
MixerKind mixer_of_layer(const MixerOptions& options, int64_t n);

/// Creates the mixer, its weights as torch's layers begin; throws c10::Error if it does not fit, or
/// for kSoftmax, which is MultiHeadAttention.
std::shared_ptr<TokenMixer> make_mixer(MixerKind kind, const MixerOptions& options,
                                       const MixerSizes& sizes);

/// The cost of T tokens of one row; not of kSoftmax.
MixerCost mixer_cost(MixerKind kind, const MixerOptions& options, const MixerSizes& sizes,
                     int64_t T);

}  // namespace zoo
