#include "train/program/setup.h"

#include <stdexcept>

#include "models/attention/attend.h"
#include "models/pretrained/format/safetensors.h"
#include "tokenizers/tokenizer.h"
#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;

void check_usage(const std::function<void()>& checks) {
  try {
    checks();
  } catch (const c10::Error& e) {
    throw UsageError(e.what_without_backtrace());
  } catch (const std::exception& e) {
    throw UsageError(e.what());
  }
}

void note_unused(const TrainOptions& o, const TrainCommand& command) {
  const ScheduleKind kind = o.schedule.kind;
  const auto with_kind = fmt::format("with --schedule {}", name_of(kind));
  if (kind == ScheduleKind::kConstant || kind == ScheduleKind::kNoam)
    note_changed(command, o, {"final-share"}, with_kind);
  if (kind != ScheduleKind::kWarmupStableDecay)
    note_changed(command, o, {"decay-share"}, with_kind);
  if (o.overfit_one_batch)
    note_changed(command, o, {"expect-at-least", "expect-at-most"}, "with --overfit-one-batch");
}

void check_kernel(const std::string& kernel, bool causal, double dropout, torch::Device device) {
  const auto q = torch::empty({1, 1, 1, 1}, torch::device(device)).requires_grad_(true);
  const AttendArgs args{.causal = causal, .dropout = dropout};
  if (const auto why = attention_kernel(kernel).refuses(q, q, q, args); !why.empty())
    throw UsageError(fmt::format("--attention {}: {}", kernel, why));
}

void settle_length(TrainOptions& options, const TrainCommand& command) {
  if (options.schedule.steps == 0) options.schedule.steps = options.max_steps;
  if (command.resume.empty()) return;
  const int64_t done = RunFolder(command.resume).last_step();
  if (options.max_steps >= done) return;
  throw UsageError(fmt::format(
      "--max-steps {}: the run in '{}' is at step {} already; name a larger one to go on",
      options.max_steps, command.resume, done));
}

fs::path shape_source(const TrainCommand& command) {
  return command.resume.empty() ? checkpoint_of(command.source())
                                : RunFolder(command.resume).last();
}

std::string settled_tokenizer(const std::string& asked, const fs::path& folder,
                              const TrainCommand& command) {
  if (command.init_from.empty() || !command.has("tokenizer")) return folder.string();
  if (fs::is_directory(asked)) return asked;
  if (const std::string kind = load_tokenizer(folder)->kind(); kind != asked) {
    throw UsageError(
        fmt::format("--tokenizer {} cannot be trained anew: the model in '{}' brings its own ({})",
                    asked, folder.string(), kind));
  }
  return folder.string();
}

bool brings_tokenizer(const std::string& asked, const TrainCommand& command) {
  return !command.source().empty() || fs::is_directory(asked);
}

void check_tokenizer_fits(int64_t tokenizer_vocab, int64_t model_vocab, const std::string& source) {
  if (tokenizer_vocab <= model_vocab) return;
  throw std::runtime_error(
      fmt::format("the tokenizer has {} ids, the model in '{}' only {}; use the tokenizer that "
                  "belongs to the model",
                  tokenizer_vocab, source, model_vocab));
}

std::string parameter_count(const torch::nn::Module& module) {
  int64_t parameters = 0;
  for (const auto& parameter : module.parameters()) parameters += parameter.numel();
  return fmt::format("{:.2f} M", static_cast<double>(parameters) / 1e6);
}

std::function<void(torch::nn::Module&, double)> dump_gradients(
    std::function<std::shared_ptr<torch::nn::Module>()> make_twin, NameMap map,
    const fs::path& file) {
  return [make_twin = std::move(make_twin), map = std::move(map), file](torch::nn::Module& module,
                                                                        double divisor) {
    auto generator = at::globalContext().defaultGenerator(torch::kCPU);
    const auto state = generator.get_state();
    const auto twin = make_twin();
    generator.set_state(state);
    const torch::NoGradGuard no_grad;
    auto gradients = twin->named_parameters();
    for (const auto& item : module.named_parameters()) {
      auto& target = gradients[item.key()];
      if (item.value().grad().defined())
        target.copy_(item.value().grad() / divisor);
      else
        target.zero_();
    }
    write_safetensors(file, export_named(*twin, map));
  };
}

std::function<void(const NamedTensors&)> dump_batches(const fs::path& folder) {
  if (fs::exists(folder) && !(fs::is_directory(folder) && fs::is_empty(folder))) {
    throw std::runtime_error(
        fmt::format("--dump-batches: '{}' is there already and holds something; name a new folder",
                    folder.string()));
  }
  fs::create_directories(folder);
  return [folder, n = 0](const NamedTensors& batch) mutable {
    write_safetensors(folder / fmt::format("batch-{:06}.safetensors", ++n), batch);
  };
}

}  // namespace zoo
