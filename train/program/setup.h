// What the families' set-ups share: checks of the command line, shapes taken from checkpoints, and
// the way of gradients and batches to disk.
#pragma once
#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <any>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/note.h"
#include "base/option_values.h"
#include "base/usage_error.h"
#include "models/pretrained/format/name_map.h"
#include "train/loop/options.h"
#include "train/loop/trainer.h"
#include "train/program/command_line.h"

namespace zoo {

/// Runs `checks`; what they throw is the user's wrong use of options.
void check_usage(const std::function<void()>& checks);

/// Says which options of training the others leave without effect.
void note_unused(const TrainOptions& options, const TrainCommand& command);

/// Throws UsageError where the kernel cannot train with such attention, before anything is read.
void check_kernel(const std::string& kernel, bool causal, double dropout, torch::Device device);

/// The schedule of a run without a length of its own lasts as long as the run; a run that goes on
/// may end where it is (checked), but not before.
void settle_length(TrainOptions& options, const TrainCommand& command);

/// The folder to take a model's shape from: a resumed run's last checkpoint, or the one named.
std::filesystem::path shape_source(const TrainCommand& command);

/// A model that comes from `folder` brings its tokenizer; another folder's may be named (`asked`),
/// but not a kind to train, whose ids would mean something else to the model. Throws UsageError.
std::string settled_tokenizer(const std::string& asked, const std::filesystem::path& folder,
                              const TrainCommand& command);

/// Whether no tokenizer is trained: one is named by its folder, or comes with the model.
bool brings_tokenizer(const std::string& asked, const TrainCommand& command);
inline constexpr std::string_view kBroughtTokenizer = "to a tokenizer that is there already";

/// Throws std::runtime_error where a tokenizer has ids that the model of `source` lacks.
void check_tokenizer_fits(int64_t tokenizer_vocab, int64_t model_vocab, const std::string& source);

/// "0.80 M"
std::string parameter_count(const torch::nn::Module& module);

/// Options that may differ from a checkpoint's: they change no tensor's shape or meaning.
inline bool is_free_option(std::string_view name) {
  return name.ends_with("attention") || name.ends_with("init-std") || name.ends_with("dropout");
}

/// Calls v(name, a's field, b's field).
template <class Options, class Visitor>
void visit_both(Options& a, Options& b, Visitor&& v) {
  std::vector<std::any> fields;
  visit(b, [&](std::string_view, auto& field, const std::string&) { fields.emplace_back(&field); });
  auto other = fields.begin();
  visit(a, [&](std::string_view name, auto& field, const std::string&) {
    v(name, field, *std::any_cast<std::remove_reference_t<decltype(field)>*>(*other++));
  });
}

/// Calls found(name) for those of the options named so that the user set, in a new run, to another
/// value than the usual one. The usual value passes, because a run.toml names every option; so does
/// a run that goes on or is measured.
template <class Options, class Found>
void for_changed(const TrainCommand& command, Options options,
                 const std::vector<std::string_view>& names, Found&& found) {
  if (!command.resume.empty() || !command.evaluate_only.empty()) return;
  Options usual;
  visit_both(options, usual, [&](std::string_view name, const auto& value, const auto& otherwise) {
    const bool meant = std::find(names.begin(), names.end(), name) != names.end();
    if (meant && command.has(name) && value != otherwise) found(name);
  });
}

/// Says on stderr that such an option is without effect, where a recipe may bring it along: "note:
/// --X changes nothing WHY".
template <class Options>
void note_changed(const TrainCommand& command, const Options& options,
                  const std::vector<std::string_view>& names, std::string_view why) {
  for_changed(command, options, names, [&](std::string_view name) {
    note(fmt::format("note: --{} changes nothing {}", name, why));
  });
}

/// Throws UsageError where such an option belongs to another kind of run: "--X means nothing WHY;
/// leave it out".
template <class Options>
void refuse_changed(const TrainCommand& command, const Options& options,
                    const std::vector<std::string_view>& names, std::string_view why) {
  for_changed(command, options, names, [&](std::string_view name) {
    throw UsageError(fmt::format("--{} means nothing {}; leave it out", name, why));
  });
}

/// The model becomes what the folder holds (`taken`), with the free options that the user named.
/// What else was named must be as the folder has it. `fill(options, shape)` replaces zeros by what
/// they stand for beside the other widths of `shape`.
template <class Options, class Fill>
void take_shape(Options& model, Options taken, const std::filesystem::path& folder,
                const TrainCommand& command, Fill&& fill) {
  Options asked = model, in_folder = taken;
  fill(asked, taken);
  fill(in_folder, taken);
  visit_both(asked, in_folder, [&](std::string_view name, const auto& wanted, const auto& found) {
    const bool named = command.has(name);
    if (is_free_option(name) || (!named && !command.has("preset")) || wanted == found) return;
    throw UsageError(fmt::format(
        "--{} cannot be changed{}: the model in '{}' has {}, not {}; leave it out, or train a new "
        "model without --init-from",
        name, named ? "" : fmt::format(" (by --preset {})", command.preset), folder.string(),
        recipe_value(found).value_or("none"), recipe_value(wanted).value_or("none")));
  });
  visit_both(taken, model, [&](std::string_view name, auto& field, const auto& wanted) {
    if (is_free_option(name) && command.has(name)) field = wanted;
  });
  model = taken;
}

/// Writes gradients, under the names that `map` gives the parameters, to a safetensors file.
/// `make_twin` builds a module like the trained one: it holds the gradients as its weights, so that
/// one mechanism names both. That it draws random numbers does not change the run.
std::function<void(torch::nn::Module&, double)> dump_gradients(
    std::function<std::shared_ptr<torch::nn::Module>()> make_twin, NameMap map,
    const std::filesystem::path& file);

/// Writes the n-th micro-batch that it is called with to batch-NNNNNN.safetensors. Makes the
/// folder; throws std::runtime_error where it holds something.
std::function<void(const NamedTensors&)> dump_batches(const std::filesystem::path& folder);

}  // namespace zoo
