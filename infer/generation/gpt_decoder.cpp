// Next-token scores of a GPT for many rows: cache, moving windows, ragged prompts.
#include "infer/generation/gpt_decoder.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "infer/decode/rows.h"
#include "infer/generation/gpt_state.h"
#include "models/batching/padding.h"
#include "models/cost/gpt_cost.h"

namespace zoo {
namespace {

/// Longer than any text.
constexpr int64_t kEndless = std::numeric_limits<int64_t>::max() / 4;

GptState& gpt_state(DecodeState& state) {
  auto* gpt = dynamic_cast<GptState*>(&state);
  TORCH_CHECK(gpt != nullptr, "GptDecoder: the state must come from GptDecoder::start");
  return *gpt;
}

/// hidden [B, T', C], of which row b holds unread[b] tokens and the last counts[b] are new ->
/// [B, T, C]: the new ones from their first on, or [B, 1, C]: the last one.
torch::Tensor pick(const torch::Tensor& hidden, const std::vector<int64_t>& unread,
                   const std::vector<int64_t>& counts, int64_t T, bool every_token) {
  const auto ends = torch::tensor(unread, torch::kLong).unsqueeze(1);  // [B, 1]
  auto indices = ends - 1;
  if (every_token) {
    indices = ends - torch::tensor(counts, torch::kLong).unsqueeze(1) +
              torch::arange(T, torch::kLong);  // [B, T]
  }
  indices = indices.clamp(0, hidden.size(1) - 1).unsqueeze(-1).to(hidden.device());
  return hidden.gather(1, indices.expand({-1, -1, hidden.size(2)}));
}

Scores joined(const std::vector<Scores>& parts) {
  std::vector<torch::Tensor> logits, hidden;
  for (const Scores& part : parts) {
    logits.push_back(part.logits);
    if (part.hidden.defined()) hidden.push_back(part.hidden);
  }
  return {torch::cat(logits, 1), hidden.empty() ? torch::Tensor() : torch::cat(hidden, 1)};
}

}  // namespace

bool streams(const GptOptions& o) {
  if (o.memory > 0) return true;
  const bool local =
      !has_mixers(o) && o.window > 0 && o.window_pattern.find('G') == std::string::npos;
  const bool whole = o.prefix_lm || o.global_tokens > 0 ||
                     o.attention_blocks != BlockPattern::kNone;  // positions of a whole text count
  const bool relative =
      o.position != PositionKind::kLearned && o.position != PositionKind::kSinusoidal &&
      (o.position != PositionKind::kRotary || o.rotary.scaling != RotaryScaling::kDynamic);
  return local && !whole && relative && o.window + o.sinks <= o.context;
}

GptDecoder::GptDecoder(Gpt model, bool use_cache)
    : model_(std::move(model)), use_cache_(use_cache), streams_(streams(model_->options)) {
  TORCH_CHECK(!model_->is_training(),
              "GptDecoder: the model is in training mode, where dropout acts; call eval() first");
}

double GptDecoder::row_bytes(int64_t longest) const {
  const GptOptions& o = model_->options;
  const ModelCost cost = cost_of(o, 1);
  const int64_t window = o.memory > 0 ? segments_of(o).reach() : o.window;
  if (streams_) longest = std::min(longest, rolling_room(window, o.sinks));
  const double values =
      cost.cache_values + cost.cache_values_per_token * static_cast<double>(longest);
  return NextToken::row_bytes(longest) + static_cast<double>(sizeof(float)) * values;
}

std::unique_ptr<DecodeState> GptDecoder::start(int64_t batch, int64_t longest) const {
  const int64_t context = streams_ ? kEndless : model_->options.context;
  const int64_t capacity = longest > 0 ? std::min(longest, context) : context;
  return std::make_unique<GptState>(
      batch, context,
      use_cache_ ? std::optional(model_->make_cache(batch, capacity)) : std::nullopt);
}

Scores GptDecoder::step(const torch::Tensor& tokens, const torch::Tensor& counts,
                        DecodeState& state, const StepWants& wants) const {
  const c10::InferenceMode
      no_bookkeeping_for_gradients;  // most of a small model's step is such work
  GptState& rows = gpt_state(state);
  const int64_t B = rows.batch(), T = tokens.dim() == 2 ? tokens.size(1) : 0;
  TORCH_CHECK(B > 0, "GptDecoder: the state has no rows");
  TORCH_CHECK(tokens.dim() == 2 && tokens.size(0) == B && T > 0, "GptDecoder: tokens must be [", B,
              ", T > 0] as the state has ", B, " rows, got ", tokens.sizes());
  TORCH_CHECK(counts.dim() == 1 && counts.size(0) == B, "GptDecoder: counts must be [", B,
              "], got ", counts.sizes());
  const auto lengths = to_vector(counts);
  bool moves_within = false;
  for (size_t b = 0; b < lengths.size(); ++b) {
    TORCH_CHECK(lengths[b] >= 0 && lengths[b] <= T, "GptDecoder: counts must be 0 to ", T, ", got ",
                lengths[b]);
    moves_within = moves_within || rows.moves_within(b, lengths[b]);
  }
  const auto before = rows.lengths();
  try {
    return moves_within ? read_one_by_one(rows, tokens, counts, wants)
                        : read(rows, tokens, lengths, wants);
  } catch (...) {
    rows.truncate(before);
    throw;
  }
}

Scores GptDecoder::read_one_by_one(GptState& rows, const torch::Tensor& tokens,
                                   const torch::Tensor& counts, const StepWants& wants) const {
  std::vector<Scores> parts;
  for (int64_t t = 0; t < tokens.size(1); ++t) {
    parts.push_back(read(rows, tokens.narrow(1, t, 1), to_vector(counts.gt(t)), wants));
  }
  Scores all = joined(parts);
  if (wants.every_token) return all;
  return {last_counted(all.logits, counts), last_counted(all.hidden, counts)};
}

Scores GptDecoder::read(GptState& rows, const torch::Tensor& tokens,
                        const std::vector<int64_t>& counts, const StepWants& wants) const {
  const auto ids = tokens.to(torch::kLong).contiguous();
  const int64_t T = ids.size(1);
  for (size_t b = 0; b < counts.size(); ++b) {
    rows.add_tokens(
        b, {ids.data_ptr<int64_t>() + static_cast<int64_t>(b) * T, static_cast<size_t>(counts[b])});
  }
  const auto unread = rows.unread();
  std::vector<int64_t> lengths;
  for (const auto& row : unread) lengths.push_back(std::ssize(row));
  const int64_t longest = std::max<int64_t>(1, *std::ranges::max_element(lengths));
  const bool ragged = std::ranges::any_of(lengths, [&](int64_t n) { return n != longest; });

  GptImpl& gpt = *model_.ptr();  // in evaluation mode: its forward pass changes nothing
  GptContext context{.cache = rows.cache(),
                     .counts = ragged && use_cache_ ? to_tensor(lengths) : torch::Tensor()};
  if (gpt.options.prefix_lm) context.args.prefix_lengths = rows.prompt_lengths();
  const auto device = gpt.token_embedding->weight.device();
  auto hidden = gpt.hidden(pad_rows(unread, {.width = longest}).to(device), context);  // [B, T', C]
  if (ragged || longest > 1) hidden = pick(hidden, lengths, counts, T, wants.every_token);
  return {gpt.logits_of(hidden), wants.hidden ? hidden : torch::Tensor()};
}

}  // namespace zoo
