#include "app/recipe_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <stdexcept>
#include <utility>

#include "app/near_names.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kEnding = ".toml";

/// Names of the recipes in these folders, and the first file of each name.
std::vector<fs::path> recipe_files(const std::vector<fs::path>& folders) {
  std::vector<fs::path> files;
  std::set<std::string> names;
  for (const fs::path& folder : folders) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
      if (entry.path().extension() == kEnding && names.insert(entry.path().stem()).second)
        files.push_back(entry.path());
  }
  std::ranges::sort(files, {}, [](const fs::path& file) { return file.stem(); });
  return files;
}

bool is_name(const std::string& text) {
  return !text.empty() && text.find('/') == std::string::npos;
}

[[noreturn]] void throw_unknown(const std::string& name, const std::vector<fs::path>& folders) {
  const std::string stem =
      name.ends_with(kEnding) ? name.substr(0, name.size() - kEnding.size()) : name;
  std::vector<std::string> known;
  for (const fs::path& file : recipe_files(folders)) known.push_back(file.stem());
  constexpr size_t kMost = 4;
  std::vector<std::string> near;
  for (const std::string& other : known)
    if (other.starts_with(stem) && near.size() < kMost) near.push_back(other);
  if (near.empty()) near = near_names(stem, known, kMost);
  std::string message = fmt::format("no recipe file '{}'", name);
  if (!near.empty())
    message += fmt::format("; did you mean {}?", fmt::join(near, ", "));
  else if (is_name(name))
    message += ", and no recipe of that name";
  throw std::invalid_argument(message);
}

}  // namespace

std::vector<fs::path> recipe_folders() {
  const fs::path inside = fs::path("train") / "recipes";
  std::vector<fs::path> folders = {inside};
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  // REPOSITORY/build/PRESET/bin/PROGRAM
  fs::path above = program.parent_path();
  for (int level = 0; level < 4 && !error && above.has_relative_path(); ++level) {
    std::error_code none;
    if (fs::is_directory(above / inside, none)) {
      folders.push_back(above / inside);
      break;
    }
    above = above.parent_path();
  }
  return folders;
}

std::string find_recipe(const std::string& name, const std::vector<fs::path>& folders) {
  std::error_code error;
  const bool exists = fs::exists(name, error);
  if (exists && !(is_name(name) && fs::is_directory(name, error))) return name;
  if (is_name(name)) {
    const std::string file = name.ends_with(kEnding) ? name : name + std::string(kEnding);
    for (const fs::path& folder : folders)
      if (fs::exists(folder / file, error)) return folder / file;
  }
  if (exists) return name;
  throw_unknown(name, folders);
}

std::vector<std::string> recipes_of(std::string_view program,
                                    const std::vector<fs::path>& folders) {
  std::vector<std::string> names;
  for (const fs::path& file : recipe_files(folders)) {
    const std::string command =
        fmt::format("# {} --config train/recipes/{} ", program, file.filename().string());
    std::ifstream in(file);
    for (std::string line; std::getline(in, line) && line.starts_with('#');) {
      std::erase_if(line, [last = '\0'](char c) mutable {
        return std::exchange(last, c) == ' ' && c == ' ';
      });
      if ((line + ' ').starts_with(command)) {
        names.push_back(file.stem());
        break;
      }
    }
  }
  return names;
}

}  // namespace zoo
