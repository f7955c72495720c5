#include "infer/analysis/output_folder.h"

#include <fmt/format.h>

#include <stdexcept>
#include <system_error>

namespace zoo {
namespace fs = std::filesystem;

void require_output_folder(const fs::path& folder, std::string_view what,
                           const std::function<bool(const fs::directory_entry&)>& is_own) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder, error))) return;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (is_own(entry)) continue;
    throw std::runtime_error(
        fmt::format("the folder '{}' holds '{}', which is no part of {}; name a new folder",
                    folder.string(), entry.path().filename().string(), what));
  }
  if (error)
    throw std::runtime_error(fmt::format("cannot use '{}' as a folder ({}); name a new folder",
                                         folder.string(), error.message()));
}

}  // namespace zoo
