#include "infer/model_choice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "app/cli.h"
#include "base/usage_error.h"
#include "models/attention/attend.h"
#include "models/device.h"

namespace zoo {
namespace {

void check_kernel(const std::string& name) {
  const auto known = attention_kernel_names();
  if (name.empty() || std::ranges::find(known, name) != known.end()) return;
  throw UsageError(
      fmt::format("--attention: unknown kernel '{}'; known are: {}", name, fmt::join(known, ", ")));
}

void check_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored)) {
    throw std::runtime_error(fmt::format("--model: there is no folder '{}'", folder.string()));
  }
  if (!std::filesystem::is_directory(folder, ignored)) {
    throw std::runtime_error(
        fmt::format("--model: '{}' is a file; name the folder that holds it", folder.string()));
  }
}

}  // namespace

void add_model_options(CLI::App& app, ModelChoice& choice) {
  const std::string group = "Model";
  make_required(add_option(app, group, "model", choice.folder, "Folder of a run or a checkpoint"));
  add_option(app, group, "device", choice.device, "auto, cpu, cuda or cuda:N");
  add_option(app, group, "threads", choice.threads, "Threads of the CPU (0: all cores)");
  add_option(app, group, "attention", choice.attention,
             "Attention kernel (empty: the checkpoint's choice)");
}

torch::Device prepare(const ModelChoice& choice) {
  check_kernel(choice.attention);
  set_threads(choice.threads);
  const auto device = find_device(choice.device);
  check_folder(choice.folder);
  return device;
}

}  // namespace zoo
