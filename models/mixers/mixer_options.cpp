// One table row per mixer.
#include "models/mixers/mixer_options.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/option_checks.h"
#include "base/option_limits.h"
#include "models/mixers/gla.h"
#include "models/mixers/linear.h"
#include "models/mixers/linformer.h"
#include "models/mixers/performer.h"
#include "models/mixers/reformer.h"
#include "models/mixers/retention.h"
#include "models/mixers/ssd.h"

namespace zoo {
namespace {

using Sizes = MixerSizes;

LinearMixerOptions linear_options(const MixerOptions& o, const Sizes& s) {
  return {.d_model = s.d_model, .heads = s.heads, .bias = s.bias, .chunk = o.mixer_chunk};
}
RetentionOptions retention_options(const MixerOptions& o, const Sizes& s) {
  return {.d_model = s.d_model,
          .heads = s.heads,
          .expand = o.mixer_expand,
          .bias = s.bias,
          .chunk = o.mixer_chunk};
}
GlaOptions gla_options(const MixerOptions& o, const Sizes& s) {
  return {.d_model = s.d_model,
          .heads = s.heads,
          .gate_rank = o.gla_rank,
          .bias = s.bias,
          .chunk = o.mixer_chunk};
}
SsdOptions ssd_options(const MixerOptions& o, const Sizes& s) {
  return {.d_model = s.d_model,
          .heads = s.heads,
          .expand = o.mixer_expand,
          .state = o.ssd_state,
          .groups = o.ssd_groups,
          .convolution = o.ssd_convolution,
          .bias = s.bias,
          .chunk = o.mixer_chunk};
}
PerformerOptions performer_options(const MixerOptions& o, const Sizes& s) {
  return {.d_model = s.d_model,
          .heads = s.heads,
          .features = o.performer_features,
          .bias = s.bias,
          .chunk = o.mixer_chunk};
}
LinformerOptions linformer_options(const MixerOptions& o, const Sizes& s) {
  return {.d_model = s.d_model,
          .heads = s.heads,
          .positions = s.positions,
          .projected = o.linformer_length,
          .bias = s.bias,
          .kernel = s.attention};
}
ReformerOptions reformer_options(const MixerOptions& o, const Sizes& s) {
  return {.d_model = s.d_model,
          .heads = s.heads,
          .rounds = o.reformer_rounds,
          .buckets = o.reformer_buckets,
          .chunk = o.reformer_chunk,
          .bias = s.bias};
}

struct MixerRow {
  MixerKind kind;
  std::shared_ptr<TokenMixer> (*make)(const MixerOptions&, const Sizes&);
  MixerCost (*cost)(const MixerOptions&, const Sizes&, int64_t T);
};

template <class Mixer, auto options_of>
constexpr MixerRow row(MixerKind kind) {
  return {kind,
          [](const MixerOptions& o, const Sizes& s) -> std::shared_ptr<TokenMixer> {
            return std::make_shared<Mixer>(options_of(o, s));
          },
          [](const MixerOptions& o, const Sizes& s, int64_t T) {
            return cost_of(options_of(o, s), T, s.causal);
          }};
}

constexpr MixerRow kMixers[] = {row<LinearMixer, linear_options>(MixerKind::kLinear),
                                row<RetentionMixer, retention_options>(MixerKind::kRetention),
                                row<GlaMixer, gla_options>(MixerKind::kGla),
                                row<SsdMixer, ssd_options>(MixerKind::kSsd),
                                row<PerformerMixer, performer_options>(MixerKind::kPerformer),
                                row<LinformerMixer, linformer_options>(MixerKind::kLinformer),
                                row<ReformerMixer, reformer_options>(MixerKind::kReformer)};

const MixerRow& row_of(MixerKind kind) {
  for (const MixerRow& row : kMixers)
    if (row.kind == kind) return row;
  TORCH_CHECK(false, "make_mixer: softmax attention is MultiHeadAttention");
}

}  // namespace

std::vector<MixerKind> mixer_kinds(const MixerOptions& o) {
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

namespace {

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
    require_option(s.heads % o.ssd_groups == 0, "ssd-groups", o.ssd_groups,
                   "a divisor of " + option_name("heads"));
  } else if (kind != MixerKind::kSoftmax) {
    require_option(
        s.d_model % s.heads == 0, "d-model", s.d_model,
        fmt::format("a multiple of {} with the mixer {}", option_name("heads"), name_of(kind)));
  }
}

/// An option of mixers that no layer has would change nothing.
void check_unused(const MixerOptions& o, std::span<const MixerKind> kinds) {
  using enum MixerKind;
  const MixerOptions usual;
  struct Row {
    const char* option;
    bool changed;
    std::vector<MixerKind> readers;
  };
  const std::vector<Row> rows = {
      {"mixer-chunk",
       o.mixer_chunk != usual.mixer_chunk,
       {kLinear, kRetention, kGla, kSsd, kPerformer}},
      {"mixer-expand", o.mixer_expand != usual.mixer_expand, {kRetention, kSsd}},
      {"gla-rank", o.gla_rank != usual.gla_rank, {kGla}},
      {"ssd-state", o.ssd_state != usual.ssd_state, {kSsd}},
      {"ssd-groups", o.ssd_groups != usual.ssd_groups, {kSsd}},
      {"ssd-convolution", o.ssd_convolution != usual.ssd_convolution, {kSsd}},
      {"performer-features", o.performer_features != usual.performer_features, {kPerformer}},
      {"linformer-length", o.linformer_length != usual.linformer_length, {kLinformer}},
      {"reformer-rounds", o.reformer_rounds != usual.reformer_rounds, {kReformer}},
      {"reformer-buckets", o.reformer_buckets != usual.reformer_buckets, {kReformer}},
      {"reformer-chunk", o.reformer_chunk != usual.reformer_chunk, {kReformer}}};
  for (const auto& [option, changed, readers] : rows) {
    const auto reads = [&readers = readers](MixerKind kind) {
      return std::ranges::find(readers, kind) != readers.end();
    };
    if (!changed || std::ranges::any_of(kinds, reads)) continue;
    std::vector<std::string_view> names;
    for (const MixerKind reader : readers) names.push_back(name_of(reader));
    throw OptionError(fmt::format("{} needs a layer with {} {}", option_name(option),
                                  option_name("mixer"), fmt::join(names, ", ")));
  }
}

}  // namespace

void check(const MixerOptions& o, const MixerSizes& s, int64_t layers) {
  constexpr int64_t kMost = 1 << 20;
  for (const auto& [option, value] : {std::pair("mixer-chunk", o.mixer_chunk),
                                      {"mixer-expand", o.mixer_expand},
                                      {"gla-rank", o.gla_rank},
                                      {"ssd-state", o.ssd_state},
                                      {"ssd-groups", o.ssd_groups},
                                      {"ssd-convolution", o.ssd_convolution},
                                      {"reformer-buckets", o.reformer_buckets},
                                      {"reformer-chunk", o.reformer_chunk}}) {
    require_count(option, value, 1, kMost);
  }
  require_count("reformer-rounds", o.reformer_rounds, 1, 64);
  require_count("performer-features", o.performer_features, 0, kMost);
  require_count("linformer-length", o.linformer_length, 0, kMost);
  require_option((o.reformer_buckets & (o.reformer_buckets - 1)) == 0, "reformer-buckets",
                 o.reformer_buckets, "a power of two");
  // Each bucket has a count in every round, and may fill a chunk alone.
  for (const auto& [option, value] :
       {std::pair("reformer-rounds", o.reformer_rounds), {"reformer-chunk", o.reformer_chunk}}) {
    require_option(value <= kMost / o.reformer_buckets, option, value,
                   fmt::format("at most {} with {} {}", kMost / o.reformer_buckets,
                               option_name("reformer-buckets"), o.reformer_buckets));
  }
  const auto kinds = mixer_kinds(o);
  require_option(static_cast<int64_t>(kinds.size()) <= layers || o.mixer_pattern.empty(),
                 "mixer-pattern", o.mixer_pattern,
                 fmt::format("at most as long as there are layers ({})", layers));
  for (const MixerKind kind : kinds) check_kind(kind, o, s);
  check_unused(o, kinds);
}

bool has_mixers(const MixerOptions& o) {
  const auto kinds = mixer_kinds(o);
  return std::ranges::any_of(kinds, [](MixerKind kind) { return kind != MixerKind::kSoftmax; });
}

MixerKind mixer_of_layer(const MixerOptions& o, int64_t n) {
  const auto kinds = mixer_kinds(o);
  return kinds[static_cast<size_t>(n) % kinds.size()];
}

std::shared_ptr<TokenMixer> make_mixer(MixerKind kind, const MixerOptions& options,
                                       const MixerSizes& sizes) {
  return row_of(kind).make(options, sizes);
}

MixerCost mixer_cost(MixerKind kind, const MixerOptions& options, const MixerSizes& sizes,
                     int64_t T) {
  return row_of(kind).cost(options, sizes, T);
}

}  // namespace zoo
