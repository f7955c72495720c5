// A folder that an earlier run may have written, and that this run may therefore replace.
#pragma once
#include <filesystem>
#include <functional>
#include <string_view>

namespace zoo {

/// Throws std::runtime_error if `folder` exists and is no folder, or holds an entry that `is_own`
/// does not know. `what` completes the message: "an attention map".
void require_output_folder(
    const std::filesystem::path& folder, std::string_view what,
    const std::function<bool(const std::filesystem::directory_entry&)>& is_own);

}  // namespace zoo
