// Measuring: each mixer's function on the same random queries, keys and values.
#include "infer/comparison/mixer_comparison.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "base/interrupt.h"
#include "base/option_values.h"
#include "base/text_table.h"
#include "infer/comparison/memory_meter.h"
#include "models/attention/attend.h"
#include "models/mixers/linear.h"
#include "models/mixers/linformer.h"
#include "models/mixers/lsh_attention.h"
#include "models/mixers/performer.h"
#include "models/mixers/retention.h"
#include "models/mixers/ssd.h"

namespace zoo {
namespace {

constexpr int64_t kChunk = 64, kProjected = 256, kRounds = 2, kHashChunk = 64;

struct MixerInputs {
  torch::Tensor q, k, v;  // [1, H, T, Dh]
  torch::Tensor shared;   // queries for keys of length 1, with scores as large as those of q and k
  torch::Tensor decays;   // [1, H, T, Dh]: log decays by channel
  torch::Tensor steps;    // [1, H, T]
  torch::Tensor rates;    // [H]
  torch::Tensor directions, hashes, projection;
  int64_t buckets = 1;
};

/// T tokens in clusters of about kCluster: those of one cluster are near each other, and attend to
/// each other more than to the rest. [1, H, T, Dh] each time it is called.
class ClusteredTokens {
 public:
  ClusteredTokens(int64_t heads, int64_t T, int64_t width)
      : centres_(torch::randn({heads, std::max<int64_t>(1, T / kCluster), width})),
        cluster_(torch::randint(centres_.size(1), {T}, torch::kLong)) {}
  torch::Tensor around_centres(double length) const {
    const auto centre = centres_.index_select(1, cluster_).unsqueeze(0);
    return (0.9 * centre + 0.44 * torch::randn_like(centre)) * length;
  }

 private:
  static constexpr int64_t kCluster = 16;
  torch::Tensor centres_, cluster_;
};

/// Means of neighbours: what an untrained Linformer could project with. [K, T]
torch::Tensor means_of_neighbours(int64_t K, int64_t T) {
  const auto group = (torch::arange(T, torch::kLong) * K).div(T, "floor");
  const auto belongs = torch::arange(K, torch::kLong).unsqueeze(1).eq(group).to(torch::kFloat);
  return belongs / belongs.sum(1, true);
}

MixerInputs mixer_inputs(const MixerComparisonOptions& o, int64_t T) {
  const ClusteredTokens tokens(o.heads, T, o.head_width);
  MixerInputs in;
  in.q = tokens.around_centres(1.25);
  in.k = tokens.around_centres(1.25);
  in.v = tokens.around_centres(1.0);
  in.shared = in.q * (1.25 * std::sqrt(static_cast<double>(o.head_width)));
  in.decays = torch::log_sigmoid(torch::randn_like(in.v)) / 16.0;
  in.steps = torch::rand({1, o.heads, T}) * 0.1;
  in.rates = -torch::arange(1, o.heads + 1, torch::kLong).to(torch::kFloat);
  const auto Dh = static_cast<double>(o.head_width);
  in.directions =
      orthogonal_directions(static_cast<int64_t>(std::ceil(Dh * std::log(Dh))), o.head_width);
  while (in.buckets * kHashChunk < T) in.buckets *= 2;  // buckets of about a chunk
  in.hashes = hash_directions(kRounds, o.head_width, in.buckets);
  in.projection = means_of_neighbours(std::min(kProjected, T), T);
  return in;
}

LshOptions lsh_of(const MixerInputs& in, bool causal) {
  return {.buckets = in.buckets, .chunk = kHashChunk, .causal = causal};
}

torch::Tensor mixed(MixerKind kind, const MixerInputs& in, bool causal) {
  switch (kind) {
    case MixerKind::kSoftmax:
      return attend("flash", in.q, in.k, in.v, {.causal = causal});
    case MixerKind::kLinear: {
      const auto q = elu_features(in.q), k = elu_features(in.k), v = with_ones(in.v);
      return divided_by_ones(causal ? linear_attention_chunked(q, k, v, {}, {}, kChunk).y
                                    : linear_attention_full(q, k, v));
    }
    case MixerKind::kRetention: {
      const auto decay = retention_log_decays(in.q.size(1)).to(torch::kFloat).view({1, -1, 1, 1});
      return linear_attention_chunked(in.q, in.k, in.v, decay, {}, kChunk).y;
    }
    case MixerKind::kGla:
      return linear_attention_chunked(in.q, in.k, in.v, in.decays, {}, kChunk).y;
    case MixerKind::kSsd:
      return ssd_chunked({.x = in.v, .dt = in.steps, .A = in.rates, .B = in.k, .C = in.q}, {},
                         kChunk)
          .y;
    case MixerKind::kPerformer:
      return favor_attention(in.q, in.k, in.v, in.directions, causal, {}, kChunk);
    case MixerKind::kLinformer:
      return linformer_attention(in.q, in.k, in.v, in.projection, in.projection, {}, "flash");
    case MixerKind::kReformer:
      return lsh_attention(in.shared, in.v, lsh_buckets(in.shared, in.hashes, in.buckets),
                           lsh_of(in, causal));
  }
  throw std::invalid_argument("unknown mixer");
}

double operations_of(MixerKind kind, const MixerInputs& in, bool causal) {
  const int64_t H = in.q.size(1), T = in.q.size(2), D = in.q.size(3);
  const auto width = static_cast<double>(H * D), length = static_cast<double>(T);
  const auto M = in.directions.size(0);
  switch (kind) {
    case MixerKind::kSoftmax:
      return 4 * length * length * width / (causal ? 2 : 1);
    case MixerKind::kLinear:
      return causal ? linear_attention_operations(T, H, H, D, D + 1, kChunk)
                    : 4 * length * width * static_cast<double>(D + 1);
    case MixerKind::kRetention:
    case MixerKind::kSsd:
      return linear_attention_operations(T, H, H, D, D, kChunk);
    case MixerKind::kGla:
      return linear_attention_operations(T, H, H, D, D, kChunk, true);
    case MixerKind::kPerformer:
      return 4 * length * width * static_cast<double>(M) +
             (causal ? linear_attention_operations(T, H, H, M, D + 1, kChunk)
                     : 4 * length * static_cast<double>(H * M * (D + 1)));
    case MixerKind::kLinformer:
      return 8 * length * width * static_cast<double>(in.projection.size(0));
    case MixerKind::kReformer:
      return static_cast<double>(H) * lsh_operations(T, kRounds, D, D, lsh_of(in, causal));
  }
  return 0.0;
}

/// What a mixer approximates; undefined where it is another function than attention.
torch::Tensor approximated(MixerKind kind, const MixerInputs& in, bool causal) {
  if (kind == MixerKind::kPerformer || kind == MixerKind::kLinformer)
    return attend("flash", in.q, in.k, in.v, {.causal = causal});
  if (kind != MixerKind::kReformer) return {};
  // Queries are keys, and see themselves last.
  const int64_t T = in.q.size(2);
  auto own_last = torch::zeros({in.q.size(1), 2 * T - 1});
  own_last.select(1, T - 1).fill_(-1e5);
  return attend("flash", in.shared, as_keys(in.shared), in.v,
                {.causal = causal, .relative_bias = own_last});
}

bool directed(MixerKind kind) {
  return kind == MixerKind::kRetention || kind == MixerKind::kGla || kind == MixerKind::kSsd;
}

MixerResult measured(MixerKind kind, const MixerInputs& in, bool causal, double seconds) {
  MixerResult result{.mixer = kind, .length = in.q.size(2), .causal = causal};
  if (causal && kind == MixerKind::kLinformer) result.refused = "cannot look back only";
  if (!causal && directed(kind)) result.refused = "cannot look both ways";
  if (!result.refused.empty()) return result;
  result.operations = operations_of(kind, in, causal);
  const auto exact = approximated(kind, in, causal);
  {
    const MemoryMeter memory;
    const auto y = mixed(kind, in, causal);
    result.peak_bytes = memory.peak();
    if (exact.defined()) result.error = ((y - exact).norm() / exact.norm()).item<double>();
  }
  std::vector<double> times;
  for (double spent = 0; (times.empty() || spent < seconds) && !InterruptGuard::requested();) {
    const auto began = std::chrono::steady_clock::now();
    mixed(kind, in, causal);
    times.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    spent += times.back();
  }
  result.seconds = median(times);
  return result;
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace

std::vector<MixerKind> parse_mixers(std::string_view text) {
  std::vector<MixerKind> kinds;
  if (text == "all") {
    for (const auto& [kind, name] : EnumNames<MixerKind>::values) kinds.push_back(kind);
    return kinds;
  }
  for (const auto part : parts_of(text)) kinds.push_back(parse_enum<MixerKind>(part));
  return kinds;
}

std::vector<int64_t> parse_lengths(std::string_view text) {
  std::vector<int64_t> lengths;
  for (const auto part : parts_of(text)) {
    lengths.push_back(parse_value<int64_t>(part));
    if (lengths.back() < 1 || (lengths.size() > 1 && lengths.back() <= *(lengths.end() - 2)))
      throw std::invalid_argument(
          fmt::format("lengths must be 1 or more, each above the one before, got '{}'", text));
  }
  return lengths;
}

std::vector<MixerResult> compare_mixers(const MixerComparisonOptions& options,
                                        const ComparisonWatch& watch) {
  const torch::NoGradGuard no_grad;
  std::vector<MixerKind> kinds{MixerKind::kSoftmax};
  for (const MixerKind kind : options.mixers)
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  std::vector<MixerResult> results;
  const auto count =
      static_cast<int64_t>(options.causal.size() * options.lengths.size() * kinds.size());
  int64_t done = 0;
  for (const bool causal : options.causal) {
    for (const int64_t T : options.lengths) {
      const MixerInputs in = mixer_inputs(options, T);
      for (const MixerKind kind : kinds) {
        if (InterruptGuard::requested()) return results;
        watch(done++, count,
              fmt::format("{} tokens {} {}", T, causal ? "causal" : "full", name_of(kind)));
        results.push_back(measured(kind, in, causal, options.seconds));
      }
    }
  }
  return results;
}

}  // namespace zoo
