// Text as Python sees it, which the published scores are defined by: its white space, words and
// lower case. All texts are UTF-8 (what is not reads as U+FFFD).
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// What str.split() parts words at.
bool is_white_space(char32_t code);

std::u32string to_code_points(std::string_view text);
std::string to_utf8(std::u32string_view text);

/// str.split(): the words between white space.
std::vector<std::u32string> split_words(std::u32string_view text);

/// str.rstrip(): the text without white space at its end.
std::u32string_view without_trailing_space(std::u32string_view text);

/// str.strip(): nor at its beginning.
std::u32string_view without_outer_space(std::u32string_view text);

/// str.lower(): also the final sigma, and the one capital that becomes two characters (U+0130).
std::u32string lower_case(std::u32string_view text);

}  // namespace zoo
