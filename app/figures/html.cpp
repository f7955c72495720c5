#include "app/figures/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace zoo {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Length of the well-formed UTF-8 character at the start of the text, or 0.
size_t character_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // The second byte reveals overlong forms, surrogates and code points above U+10FFFF.
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
      (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) {
    return 0;
  }
  return length;
}

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark;
  --page: #f7f8fa; --card: #ffffff; --ink: #1b2230; --muted: #5d6778; --line: #e1e5eb;
  --train: #2c6bd6; --val: #c8560b; --good: #15713f; --good-soft: #15713f1f; --bad: #b3261e;
  --bad-soft: #b3261e1a; --plain-soft: #5d67781f; }
@media (prefers-color-scheme: dark) { :root {
  --page: #12151b; --card: #1a1f28; --ink: #e6e9ef; --muted: #9aa5b6; --line: #2d3543;
  --train: #74a7ff; --val: #ff9d57; --good: #5fd08f; --good-soft: #5fd08f24; --bad: #ff8a80;
  --bad-soft: #ff8a8024; --plain-soft: #9aa5b624; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 16px 48px; max-width: 1080px; background: var(--page);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 12px; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 32px 0 12px; }
h3 { font-size: 0.95rem; margin: 0 0 4px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px; }
.scroll { overflow-x: auto; }
.for-narrow { display: none; }
@media (max-width: 860px) { .for-wide { display: none; }
  .for-narrow { display: block; max-width: 640px; } }
/* What scrolls says so: where the browser can tell that it does, else on narrow windows. */
.scroll::before { content: "\2194  scrolls sideways"; display: block; position: sticky; left: 0;
  width: max-content; font: 13px system-ui, sans-serif; color: var(--muted); max-height: 0;
  overflow: hidden; }
@supports (animation-timeline: scroll()) {
  @keyframes scrolls { from, to { max-height: 2em; margin-bottom: 6px; } }
  .scroll::before { animation: scrolls linear both; animation-timeline: scroll(nearest inline); } }
@supports not (animation-timeline: scroll()) {
  @media (max-width: 640px) { .scroll::before { content: "\2194  a wide table scrolls sideways";
    max-height: 2em; margin-bottom: 6px; } } }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; white-space: nowrap; }
tr:last-child > * { border-bottom: 0; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 13.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
code { font: 0.9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
summary { cursor: pointer; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--muted); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
)";

}  // namespace

std::string html_escape(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const size_t length = character_length(text);
    const char c = text[0];
    const bool control = (static_cast<uint8_t>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
    if (length == 0 || control) {
      result += kReplacement;
    } else if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '"') {
      result += "&quot;";
    } else if (c == '\'') {
      result += "&#39;";
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

std::string valid_utf8(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t length = character_length(text);
    result += length == 0 ? kReplacement : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return result;
}

std::string html_page(std::string_view title, std::string_view style, std::string_view body,
                      std::string_view script) {
  const std::string allowed = script.empty() ? "" : "; script-src 'unsafe-inline'";
  const std::string element = script.empty() ? "" : fmt::format("<script>{}</script>\n", script);
  return fmt::format(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:{}">
<title>{}</title>
<style>{}{}</style>
</head>
<body>
{}{}</body>
</html>
)",
                     allowed, html_escape(title), kStyle, style, body, element);
}

std::string html_data(std::string_view id, std::string_view json) {
  std::string safe;
  for (const char c : json) c == '<' ? safe += "\\u003c" : safe += c;
  return fmt::format("<script type=\"application/json\" id=\"{}\">{}</script>\n", id, safe);
}

}  // namespace zoo
