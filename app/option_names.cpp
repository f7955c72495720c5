#include "app/option_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/note.h"

namespace zoo {
namespace {

struct OtherName {
  std::string_view other, today;
  std::string_view beside = {};  ///< only in programs that have this option, too
};

/// Names of earlier versions.
constexpr OtherName kOld[] = {
    {"top-k", "top"},       {"top-n", "top"},
    {"sentences", "file"},  {"texts", "file"},
    {"hypotheses", "file"}, {"sheet", "page"},
    {"alignment", "page"},  {"rollout", "page"},
    {"picture", "image"},   {"model", "architecture", "patch-size"},
};

/// Names in other programs and libraries, where the meaning is the same.
constexpr OtherName kUsual[] = {
    // Training.
    {"lr", "learning-rate"},
    {"max-lr", "learning-rate"},
    {"steps", "max-steps"},
    {"num-steps", "max-steps"},
    {"max-iters", "max-steps"},
    {"iterations", "max-steps"},
    {"batch", "batch-size"},
    {"bs", "batch-size"},
    {"per-device-train-batch-size", "batch-size"},
    {"wd", "weight-decay"},
    {"warmup", "warmup-steps"},
    {"warmup-iters", "warmup-steps"},
    {"lr-decay-iters", "schedule-steps"},
    {"lr-schedule", "schedule"},
    {"lr-scheduler", "schedule"},
    {"lr-scheduler-type", "schedule"},
    {"adam-beta1", "beta1"},
    {"adam-beta2", "beta2"},
    {"grad-clip", "clip"},
    {"max-grad-norm", "clip"},
    {"grad-accum", "accumulate"},
    {"gradient-accumulation-steps", "accumulate"},
    {"eval-interval", "evaluate-every"},
    {"eval-every", "evaluate-every"},
    {"eval-steps", "evaluate-every"},
    {"log-interval", "log-every"},
    {"logging-steps", "log-every"},
    {"save-interval", "save-every"},
    {"save-steps", "save-every"},
    {"dataset", "data"},
    {"train-data", "data"},
    {"recipe", "config"},
    {"eval-only", "evaluate-only"},
    {"pretrained", "init-from"},
    {"finetune-from", "init-from"},
    {"num-workers", "loader-threads"},
    // A model.
    {"block-size", "context"},
    {"context-length", "context"},
    {"seq-len", "context"},
    {"max-seq-len", "context"},
    {"n-layer", "layers"},
    {"n-layers", "layers"},
    {"num-layers", "layers"},
    {"num-hidden-layers", "layers"},
    {"depth", "layers"},
    {"n-head", "heads"},
    {"n-heads", "heads"},
    {"num-heads", "heads"},
    {"num-attention-heads", "heads"},
    {"n-kv-heads", "kv-heads"},
    {"num-key-value-heads", "kv-heads"},
    {"n-embd", "d-model"},
    {"hidden-size", "d-model"},
    {"embed-dim", "d-model"},
    {"dim", "d-model"},
    {"d-ff", "feed-forward"},
    {"ffn-dim", "feed-forward"},
    {"intermediate-size", "feed-forward"},
    // Any program.
    {"output-dir", "out"},
    {"out-dir", "out"},
    {"output", "out"},
    {"model-dir", "model"},
    {"model-path", "model"},
    {"checkpoint", "model"},
    {"ckpt", "model"},
    {"input", "file"},
    {"input-file", "file"},
    {"random-seed", "seed"},
    {"num-threads", "threads"},
    {"temp", "temperature"},
    {"max-tokens", "max-new-tokens"},
    {"num-tokens", "max-new-tokens"},
    {"num-samples", "num-return-sequences"},
    {"beams", "num-beams"},
    {"beam-size", "num-beams"},
    {"beam-width", "num-beams"},
    {"html", "page"},
};

struct Advice {
  std::string_view given, option, what;
};

/// Where the usual option means something that is done otherwise; `option` is the one to use.
constexpr Advice kAdvice[] = {
    {"epochs", "max-steps", "training is counted in updates: --max-steps"},
    {"num-epochs", "max-steps", "training is counted in updates: --max-steps"},
    {"num-train-epochs", "max-steps", "training is counted in updates: --max-steps"},
    {"max-epochs", "max-steps", "training is counted in updates: --max-steps"},
    {"batch", "batch-tokens", "a batch is counted in tokens: --batch-tokens"},
    {"batch-size", "batch-tokens", "a batch is counted in tokens: --batch-tokens"},
    {"model", "init-from", "to start from a trained model: --init-from"},
    {"from-pretrained", "init-from", "to start from a trained model: --init-from"},
    {"gpu", "device", "the device is chosen with --device cuda"},
    {"cuda", "device", "the device is chosen with --device cuda"},
    {"cpu", "device", "the device is chosen with --device cpu"},
    {"fp16", "precision", "arithmetic is chosen with --precision fp16"},
    {"bf16", "precision", "arithmetic is chosen with --precision bf16"},
    {"rope", "position", "positions are chosen with --position rotary"},
    {"optimizer", "weight-decay", "the optimizer is always AdamW"},
};

std::string with_dashes_inside(std::string_view name) {
  std::string text(name);
  std::ranges::replace(text, '_', '-');
  return text;
}

std::string_view find_other(std::string_view name, const KnownOptions& known) {
  const auto fits = [&](const OtherName& n) {
    return n.other == name && known.has(n.today) && (n.beside.empty() || known.has(n.beside));
  };
  for (const OtherName& n : kOld)
    if (fits(n)) return n.today;
  for (const OtherName& n : kUsual)
    if (fits(n)) return n.today;
  return {};
}

/// What an option is called in any program: "layers" for "n-layer".
std::string_view general_name(std::string_view name) {
  for (const OtherName& n : kUsual)
    if (n.other == name) return n.today;
  return name;
}

}  // namespace

std::optional<std::string> todays_name(std::string_view given, const KnownOptions& known) {
  if (known.has(given)) return std::nullopt;
  const std::string name = with_dashes_inside(given);
  if (known.has(name)) return name;
  const std::string_view found = find_other(name, known);
  return found.empty() ? std::nullopt : std::optional(std::string(found));
}

void note_other_name(std::string_view given, std::string_view today) {
  static std::set<std::string, std::less<>> noted;
  if (!noted.emplace(given).second) return;
  const bool old = std::ranges::any_of(
      kOld, [&](const OtherName& n) { return n.other == given && n.today == today; });
  note(fmt::format("note: --{} is {} --{}{}", given, old ? "now" : "called", today,
                   old ? "" : " here"));
}

std::string advice_for(std::string_view given, const KnownOptions& known) {
  const std::string name = with_dashes_inside(given);
  for (const auto& [other, option, what] : kAdvice)
    if (other == name && known.has(option)) return std::string(what);
  const std::string ending = fmt::format("-{}", general_name(name));
  std::vector<std::string> several;
  for (const std::string& option : known.names)
    if (option.ends_with(ending)) several.push_back("--" + option);
  if (several.size() < 2) return {};
  return fmt::format("there are several: {}", fmt::join(several, ", "));
}

}  // namespace zoo
