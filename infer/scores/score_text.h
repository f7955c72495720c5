// White space, words and lower case by Python's definitions, on which the published scores are
// based. All texts are UTF-8; invalid bytes are read as U+FFFD.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// White space of str.split().
bool is_white_space(char32_t code);

std::u32string to_code_points(std::string_view text);
std::string to_utf8(std::u32string_view text);

/// str.split(): the words between white space.
std::vector<std::u32string> split_words(std::u32string_view text);

/// str.rstrip(): the text without white space at its end.
std::u32string_view without_trailing_space(std::u32string_view text);

/// str.strip(): without white space at both ends.
std::u32string_view without_outer_space(std::u32string_view text);

/// str.lower(): also the final sigma, and the one capital that becomes two characters (U+0130).
std::u32string lower_case(std::u32string_view text);

}  // namespace zoo
