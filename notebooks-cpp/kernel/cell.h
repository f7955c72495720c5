// What the code around a lesson's cells needs, in the notebook and in the program made of them.
#pragma once
#include <concepts>
#include <exception>
#include <iostream>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>

#include "notebooks-cpp/nb/claim.h"
#include "notebooks-cpp/nb/output.h"

namespace nb {

/// The name of a type as the compiler writes it, inside a longer text.
template <typename T>
const char* text_with_type() {
  return __PRETTY_FUNCTION__;
}

template <typename T>
void write_value(std::ostream& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out << (value ? "true" : "false");
  } else if constexpr (requires { out << value; }) {
    out << value;
  } else if constexpr (std::ranges::input_range<const T>) {
    out << '[';
    std::string_view separator = "";
    for (const auto& element : value) {
      out << separator;
      write_value(out, element);
      separator = ", ";
    }
    out << ']';
  } else if constexpr (requires { value.first, value.second; }) {
    out << '(';
    write_value(out, value.first);
    out << ", ";
    write_value(out, value.second);
    out << ')';
  } else {
    out << "a value that cannot be printed: " << text_with_type<T>();
  }
}

/// `(expression, Shown{})` prints the value, if there is one.
struct Shown {
  template <typename T>
  friend void operator,(const T& value, Shown) {
    write_value(std::cout, value);
    std::cout << std::endl;
  }
};

/// The message of the exception that is being handled, without the backtrace that torch adds.
inline std::string message_of_exception() {
  std::string message = "something was thrown that is no std::exception";
  try {
    throw;
  } catch (const std::exception& error) {
    message = error.what();
  } catch (...) {
  }
  return message.substr(0, message.find("\nException raised from"));
}

/// Runs the cells of a lesson that is a program of its own; the program's exit code.
template <typename Cells>
int run_lesson(const Cells& cells) {
  try {
    return cells();
  } catch (...) {
    std::cerr << "lesson: " << message_of_exception() << std::endl;
    return 1;
  }
}

}  // namespace nb
