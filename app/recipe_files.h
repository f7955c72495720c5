// Recipes by name: `--config gpt-shakespeare-cpu` is train/recipes/gpt-shakespeare-cpu.toml.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// Where recipes are looked for: in train/recipes of the current folder, and of the repository that
/// the running program was built in.
std::vector<std::filesystem::path> recipe_folders();

/// The file that `name` stands for: a path as it is, else NAME.toml in the first of the folders
/// that has one. Throws std::invalid_argument, "no recipe file 'x'; did you mean y?".
std::string find_recipe(const std::string& name,
                        const std::vector<std::filesystem::path>& folders = recipe_folders());

/// The names of the recipes that tell how to run `program` ("train_gpt"), sorted.
std::vector<std::string> recipes_of(
    std::string_view program, const std::vector<std::filesystem::path>& folders = recipe_folders());

}  // namespace zoo
