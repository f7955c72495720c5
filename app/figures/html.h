// Pages that need nothing but themselves: no script, no font, no picture from elsewhere.
#pragma once
#include <string>
#include <string_view>

namespace zoo {

/// Text for elements and for attributes in either quotes. Bytes that are no UTF-8 and control
/// characters become U+FFFD: what a half-trained model writes must not break the page.
std::string html_escape(std::string_view text);

/// The text with bytes that are no UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

/// A whole document in the zoo's style (light and dark, readable on a phone). `title` is escaped,
/// `style` (more CSS) and `body` are taken as they are.
std::string html_page(std::string_view title, std::string_view style, std::string_view body);

}  // namespace zoo
