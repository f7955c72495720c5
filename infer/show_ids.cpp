#include "infer/show_ids.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <utility>

#include "app/cli.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

/// On one line, whatever the piece holds.
std::string shown(const Tokenizer& tokenizer, int64_t id) {
  if (id < 0 || id >= tokenizer.vocab_size()) return "?";
  std::string text = utf8::replace_invalid(tokenizer.piece_of(static_cast<int32_t>(id)));
  for (const auto& [character, name] : {std::pair('\n', "\\n"), {'\r', "\\r"}, {'\t', "\\t"}}) {
    for (size_t at = 0; (at = text.find(character, at)) != std::string::npos; at += 2)
      text.replace(at, 1, name);
  }
  return text;
}

}  // namespace

void add_show_ids(CLI::App& app, bool& show) {
  add_option(app, "Output", "show-ids", show,
             "Print the ids that the model is given, and their pieces, on stderr");
}

void show_ids(std::ostream& out, std::string_view what, size_t number, const Tokenizer& tokenizer,
              std::span<const int64_t> ids) {
  std::string pieces;
  for (const int64_t id : ids) pieces += " " + shown(tokenizer, id);
  out << fmt::format("{} {}: [{}]{}\n", what, number, fmt::join(ids, ", "), pieces);
}

IdsObserver ids_printer(bool show, std::string what, std::ostream& out) {
  if (!show) return {};
  return [what = std::move(what), number = size_t{0}, &out](
             const Tokenizer& tokenizer, const std::vector<int32_t>& ids) mutable {
    const std::vector<int64_t> wide(ids.begin(), ids.end());
    show_ids(out, what, ++number, tokenizer, wide);
  };
}

}  // namespace zoo
