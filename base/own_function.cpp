#include "base/own_function.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace zoo {
namespace {

using Find = void* (*)(const char*);

/// Libraries stay loaded to the program's end.
Find load(const std::string& library) {
  void* const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    throw std::runtime_error(
        fmt::format("the library '{}' cannot be loaded ({}); scripts/grade.sh use makes one",
                    library, dlerror()));
  const auto find = reinterpret_cast<Find>(dlsym(handle, "zoo_own_function"));
  if (find == nullptr)
    throw std::runtime_error(fmt::format(
        "the library '{}' has no zoo_own_function; scripts/grade.sh use makes one", library));
  return find;
}

std::vector<Find> load_named() {
  std::vector<Find> found;
  const char* const named = std::getenv("ZOO_FUNCTIONS");
  std::string_view rest = named != nullptr ? named : "";
  while (!rest.empty()) {
    const auto end = std::min(rest.find(':'), rest.size());
    if (end > 0) found.push_back(load(std::string(rest.substr(0, end))));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return found;
}

}  // namespace

void* find_own_function(std::string_view name) {
  static const std::vector<Find> libraries = load_named();
  const std::string text(name);
  for (const Find find : libraries)
    if (void* const function = find(text.c_str())) return function;
  return nullptr;
}

void* find_own_function(std::string_view name, const std::string& library) {
  return load(library)(std::string(name).c_str());
}

}  // namespace zoo
