// One table row per mixer.
#include "models/mixers/mixer_options.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "base/option_checks.h"
#include "models/mixers/gla.h"
#include "models/mixers/linear.h"
#include "models/mixers/linformer.h"
#include "models/mixers/performer.h"
#include "models/mixers/reformer.h"
#include "models/mixers/retention.h"
#include "models/mixers/ssd.h"

namespace zoo {
namespace {

using MadeMixer = std::shared_ptr<TokenMixer>;

constexpr std::pair<MixerKind, MadeMixer (*)(const MixerOptions&, const MixerSizes&)> kMixers[] = {
    {MixerKind::kLinear,
     [](const MixerOptions& o, const MixerSizes& s) -> MadeMixer {
       return std::make_shared<LinearMixer>(LinearMixerOptions{
           .d_model = s.d_model, .heads = s.heads, .bias = s.bias, .chunk = o.mixer_chunk});
     }},
    {MixerKind::kRetention,
     [](const MixerOptions& o, const MixerSizes& s) -> MadeMixer {
       return std::make_shared<RetentionMixer>(RetentionOptions{.d_model = s.d_model,
                                                                .heads = s.heads,
                                                                .expand = o.mixer_expand,
                                                                .bias = s.bias,
                                                                .chunk = o.mixer_chunk});
     }},
    {MixerKind::kGla,
     [](const MixerOptions& o, const MixerSizes& s) -> MadeMixer {
       return std::make_shared<GlaMixer>(GlaOptions{.d_model = s.d_model,
                                                    .heads = s.heads,
                                                    .gate_rank = o.gate_rank,
                                                    .bias = s.bias,
                                                    .chunk = o.mixer_chunk});
     }},
    {MixerKind::kSsd,
     [](const MixerOptions& o, const MixerSizes& s) -> MadeMixer {
       return std::make_shared<SsdMixer>(SsdOptions{.d_model = s.d_model,
                                                    .heads = s.heads,
                                                    .expand = o.mixer_expand,
                                                    .state = o.state_width,
                                                    .groups = o.state_groups,
                                                    .convolution = o.convolution,
                                                    .bias = s.bias,
                                                    .chunk = o.mixer_chunk});
     }},
    {MixerKind::kPerformer,
     [](const MixerOptions& o, const MixerSizes& s) -> MadeMixer {
       return std::make_shared<PerformerMixer>(PerformerOptions{.d_model = s.d_model,
                                                                .heads = s.heads,
                                                                .features = o.features,
                                                                .bias = s.bias,
                                                                .chunk = o.mixer_chunk});
     }},
    {MixerKind::kLinformer,
     [](const MixerOptions& o, const MixerSizes& s) -> MadeMixer {
       return std::make_shared<LinformerMixer>(LinformerOptions{.d_model = s.d_model,
                                                                .heads = s.heads,
                                                                .positions = s.positions,
                                                                .projected = o.projected_length,
                                                                .bias = s.bias,
                                                                .kernel = s.attention});
     }},
    {MixerKind::kReformer, [](const MixerOptions& o, const MixerSizes& s) -> MadeMixer {
       return std::make_shared<ReformerMixer>(ReformerOptions{.d_model = s.d_model,
                                                              .heads = s.heads,
                                                              .rounds = o.hash_rounds,
                                                              .buckets = o.hash_buckets,
                                                              .chunk = o.hash_chunk,
                                                              .bias = s.bias});
     }}};

std::vector<MixerKind> kinds_of(const MixerOptions& o) {
  if (o.mixer_pattern.empty()) return {o.mixer};
  std::vector<MixerKind> kinds;
  std::string_view rest = o.mixer_pattern;
  while (true) {
    const size_t comma = rest.find(',');
    try {
      kinds.push_back(parse_enum<MixerKind>(rest.substr(0, comma)));
    } catch (const std::invalid_argument& error) {
      throw OptionError(fmt::format("{}: {}", option_name("mixer-pattern"), error.what()));
    }
    if (comma == std::string_view::npos) return kinds;
    rest.remove_prefix(comma + 1);
  }
}

void check_kind(MixerKind kind, const MixerOptions& o, const MixerSizes& s) {
  const bool directed =
      kind == MixerKind::kRetention || kind == MixerKind::kGla || kind == MixerKind::kSsd;
  const auto* const option = o.mixer_pattern.empty() ? "mixer" : "mixer-pattern";
  require_option(s.causal || !directed, option, name_of(kind),
                 "one that looks both ways (softmax, linear, performer, linformer, reformer)");
  require_option(!s.causal || kind != MixerKind::kLinformer, option, name_of(kind),
                 "one that can look back only (any but linformer)");
  if (kind == MixerKind::kRetention || kind == MixerKind::kGla) {
    require_option(
        s.d_model % (2 * s.heads) == 0, "d-model", s.d_model,
        fmt::format("a multiple of 2 {} with the mixer {}", option_name("heads"), name_of(kind)));
  } else if (kind == MixerKind::kSsd) {
    require_option(
        o.mixer_expand * s.d_model % s.heads == 0, "heads", s.heads,
        fmt::format("a divisor of {} {}", option_name("mixer-expand"), option_name("d-model")));
    require_option(s.heads % o.state_groups == 0, "state-groups", o.state_groups,
                   "a divisor of " + option_name("heads"));
  } else if (kind != MixerKind::kSoftmax) {
    require_option(
        s.d_model % s.heads == 0, "d-model", s.d_model,
        fmt::format("a multiple of {} with the mixer {}", option_name("heads"), name_of(kind)));
  }
}

}  // namespace

void check(const MixerOptions& o, const MixerSizes& s, int64_t layers) {
  for (const auto& [option, value] : {std::pair("mixer-chunk", o.mixer_chunk),
                                      {"mixer-expand", o.mixer_expand},
                                      {"gate-rank", o.gate_rank},
                                      {"state-width", o.state_width},
                                      {"state-groups", o.state_groups},
                                      {"convolution", o.convolution},
                                      {"hash-rounds", o.hash_rounds},
                                      {"hash-buckets", o.hash_buckets},
                                      {"hash-chunk", o.hash_chunk}}) {
    require_at_least(option, value, 1);
  }
  require_at_least("features", o.features, 0);
  require_at_least("projected-length", o.projected_length, 0);
  require_option((o.hash_buckets & (o.hash_buckets - 1)) == 0, "hash-buckets", o.hash_buckets,
                 "a power of two");
  const auto kinds = kinds_of(o);
  require_option(static_cast<int64_t>(kinds.size()) <= layers || o.mixer_pattern.empty(),
                 "mixer-pattern", o.mixer_pattern,
                 fmt::format("at most as long as there are layers ({})", layers));
  for (const MixerKind kind : kinds) check_kind(kind, o, s);
}

MixerKind mixer_of_layer(const MixerOptions& o, int64_t n) {
  const auto kinds = kinds_of(o);
  return kinds[static_cast<size_t>(n) % kinds.size()];
}

std::shared_ptr<TokenMixer> make_mixer(MixerKind kind, const MixerOptions& options,
                                       const MixerSizes& sizes) {
  for (const auto& [known, make] : kMixers)
    if (known == kind) return make(options, sizes);
  TORCH_CHECK(false, "make_mixer: softmax attention is MultiHeadAttention");
}

}  // namespace zoo
