// Between the grader and a student's functions: calls them with values that came over a pipe. A
// shim is compiled once, in advance; it fails to link where the student's file does not define a
// function exactly as the exercise's header declares it.
#pragma once
#include <ATen/core/ivalue.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace exercises {

using Value = c10::IValue;
using Values = std::vector<Value>;

struct Function {
  std::string name = {};
  std::function<Value(const Values&)> call = {};
};

/// A function of tensors, numbers, strings, lists, optionals and tuples of them. Its results are
/// such a value; a pair or struct is not.
template <class Result, class... Arguments>
std::function<Value(const Values&)> wrap(Result (*function)(Arguments...)) {
  return [function](const Values& values) -> Value {
    if (values.size() != sizeof...(Arguments))
      throw std::logic_error("the grader passed a wrong number of arguments");
    return [&]<size_t... n>(std::index_sequence<n...>)->Value {
      std::tuple<std::decay_t<Arguments>...> arguments(
          values[n].template to<std::decay_t<Arguments>>()...);
      return Value(std::apply(function, arguments));
    }
    (std::index_sequence_for<Arguments...>());
  };
}

}  // namespace exercises

/// One entry of EXERCISE_SHIM: a function that wrap() can call.
#define EXERCISE_FUNCTION(name) \
  exercises::Function { #name, exercises::wrap(&name) }

/// The functions of an exercise; entries with a lambda adapt what wrap() cannot pass, for instance
/// a function as an argument.
#define EXERCISE_SHIM(...)                                                   \
  extern "C" __attribute__((visibility("default"))) void exercise_functions( \
      std::vector<exercises::Function>& functions) {                         \
    functions = {__VA_ARGS__};                                               \
  }
