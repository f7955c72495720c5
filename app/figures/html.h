// Self-contained HTML pages: nothing from elsewhere, no network.
#pragma once
#include <string>
#include <string_view>

namespace zoo {

/// Escapes text for elements and for attributes in either kind of quotes. Invalid UTF-8 and control
/// characters become U+FFFD, so that the output of a half-trained model cannot break the page.
std::string html_escape(std::string_view text);

/// The text with each invalid UTF-8 byte replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

/// A complete document in the zoo's style: light and dark, readable on a phone. `title` is escaped;
/// `style` (extra CSS), `body` and `script` are inserted as they are; a page without script lets
/// none run.
std::string html_page(std::string_view title, std::string_view style, std::string_view body,
                      std::string_view script = {});

/// JSON or the like inside a page, which no content can end: <script type="application/json"
/// id=...>.
std::string html_data(std::string_view id, std::string_view json);

}  // namespace zoo
