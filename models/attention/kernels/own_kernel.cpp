#include "models/attention/kernels/own_kernel.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "base/own_function.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/mask.h"

namespace zoo {
namespace {

constexpr std::string_view kPrefix = "my_";

class OwnKernel final : public AttentionKernel {
 public:
  OwnKernel(std::string name, OwnAttend* attend) : name_(std::move(name)), attend_(attend) {}
  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return "from a library of one's own"; }

  std::string refuses(const torch::Tensor&, const torch::Tensor&, const torch::Tensor&,
                      const AttendArgs& args) const override {
    if (args.dropout > 0.0) return "it drops no weights; use 'torch', or no attention dropout";
    if (args.weights != nullptr) return "it does not give its weights; use 'matmul'";
    if (args.bias.defined() || args.relative_bias.defined()) return "it adds no bias; use 'matmul'";
    if (args.score_cap > 0.0) return "it caps no scores; use 'matmul'";
    return {};
  }

  torch::Tensor run(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                    const AttendArgs& args) const override {
    const int64_t B = q.size(0), H = q.size(1), T = q.size(2), S = k.size(2);
    auto mask = dense_mask(args, T, S, q.device());
    if (!mask.defined()) mask = torch::ones({1}, q.options().dtype(torch::kBool));
    const double scale = args.scale.value_or(1.0 / std::sqrt(static_cast<double>(q.size(3))));
    const auto y =
        attend_(q, repeat_kv_heads(k, H), repeat_kv_heads(v, H), mask.expand({B, H, T, S}), scale);
    TORCH_CHECK(y.sizes() == q.sizes(), name_, ": expected a result of ", q.sizes(), ", got ",
                y.sizes());
    return y;
  }

 private:
  std::string name_;
  OwnAttend* attend_;
};

std::filesystem::path folder() {
  if (const char* named = std::getenv("ZOO_KERNELS")) return named;
  std::error_code unknown;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  return program.parent_path().parent_path() / "own";
}

std::unique_ptr<OwnKernel> load(const std::string& name) {
  const auto library = folder() / (name + ".so");
  if (name.find('/') != std::string::npos || !std::filesystem::exists(library))
    throw std::runtime_error(fmt::format(
        "attention: there is no kernel '{}' of your own; scripts/grade.sh use makes one from an "
        "exercise",
        name));
  auto* const attend = reinterpret_cast<OwnAttend*>(find_own_function("attend", library.string()));
  if (attend == nullptr)
    throw std::runtime_error(
        fmt::format("attention: '{}' has no function 'attend'", library.string()));
  return std::make_unique<OwnKernel>(name, attend);
}

}  // namespace

bool is_own_kernel(std::string_view name) { return name.substr(0, kPrefix.size()) == kPrefix; }

const AttentionKernel& own_kernel(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<OwnKernel>, std::less<>> loaded;
  const std::lock_guard lock(mutex);
  auto found = loaded.find(name);
  if (found == loaded.end()) found = loaded.emplace(name, load(std::string(name))).first;
  return *found->second;
}

}  // namespace zoo
