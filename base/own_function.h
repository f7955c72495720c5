// Functions of the zoo that somebody has written anew and switches in: libraries named in the
// environment variable ZOO_FUNCTIONS, separated by colons. scripts/grade.sh use makes them from
// exercises. A library exports
//   extern "C" void* zoo_own_function(const char* name);
// which gives its function of this name, or null. Its type is that of the pointer which the zoo
// asks for; nothing checks it.
#pragma once
#include <string>
#include <string_view>

namespace zoo {

/// From the libraries in ZOO_FUNCTIONS, the first that has it; null: none has. Throws
/// std::runtime_error, in one line, where a library cannot be loaded.
void* find_own_function(std::string_view name);

/// From one library. Throws as find_own_function().
void* find_own_function(std::string_view name, const std::string& library);

/// The function that replaces `name`, or null: a pointer of type Function.
template <class Function>
Function* own_function(std::string_view name) {
  return reinterpret_cast<Function*>(find_own_function(name));
}

}  // namespace zoo
