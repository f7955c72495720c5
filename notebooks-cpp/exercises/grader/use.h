// What a solved exercise gives to the zoo's programs (base/own_function.h): use.cpp beside the
// exercise lists functions with the types that the zoo declares.
#pragma once
#include <string_view>
#include <utility>

namespace exercises {

struct OwnFunction {
  std::string_view name = {};
  void* function = nullptr;
};

/// own<zoo::OwnResidual>("residual", &residual): does not compile where the types differ.
template <class Type>
OwnFunction own(std::string_view name, Type* function) {
  return {name, reinterpret_cast<void*>(function)};
}

}  // namespace exercises

#define EXERCISE_USE(...)                                                                      \
  extern "C" __attribute__((visibility("default"))) void* zoo_own_function(const char* name) { \
    for (const exercises::OwnFunction& own : {__VA_ARGS__})                                    \
      if (own.name == name) return own.function;                                               \
    return nullptr;                                                                            \
  }
