// comparison.html: runs over each other. No script, nothing from elsewhere.
#pragma once
#include <filesystem>
#include <string>

#include "train/compare/comparison.h"

namespace zoo {

/// A self-contained HTML document. `extra`: more of its body, inserted above the charts as it is.
/// Links to the runs' reports are relative to `folder`.
std::string comparison_page(const Comparison& comparison, const std::filesystem::path& folder,
                            const std::string& extra = "");

/// Writes comparison.html into the folder, which is made; returns its path. Throws
/// std::runtime_error.
std::filesystem::path write_comparison(const Comparison& comparison,
                                       const std::filesystem::path& folder,
                                       const std::string& extra = "");

}  // namespace zoo
