#include "infer/translation/languages.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace zoo {
namespace {

/// de_DE, deu_Latn
bool is_code(std::string_view piece) {
  const size_t bar = piece.find('_');
  if ((bar != 2 && bar != 3) || (piece.size() != bar + 3 && piece.size() != bar + 5)) return false;
  const auto lower = [](unsigned char c) { return std::islower(c) != 0; };
  const auto letter = [](unsigned char c) { return std::isalpha(c) != 0; };
  return std::all_of(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(bar), lower) &&
         std::all_of(piece.begin() + static_cast<std::ptrdiff_t>(bar) + 1, piece.end(), letter);
}

int32_t code_id(const Tokenizer& tokenizer, const std::string& code, const char* flag) {
  const auto id = tokenizer.id_of(code);
  if (id && is_code(code)) return *id;
  std::vector<std::string> known;
  for (int32_t other = 0; other < tokenizer.vocab_size(); ++other)
    if (auto piece = tokenizer.piece_of(other); is_code(piece)) known.push_back(std::move(piece));
  throw std::runtime_error(
      fmt::format("{} {} is none of the tokenizer's languages: {}", flag, code,
                  known.empty() ? "it has none" : fmt::format("{}", fmt::join(known, ", "))));
}

}  // namespace

void set_languages(const Languages& languages, const Tokenizer& source, const Tokenizer& target,
                   PairFormat& format, DecodeOptions& options) {
  if (languages.from.empty() && languages.to.empty()) return;
  using Kind = PostTemplate::Part::Kind;
  auto parts = format.source.single();
  const auto code = std::ranges::find_if(parts, [&](const auto& part) {
    return part.kind == Kind::kId && is_code(source.piece_of(part.id));
  });
  if (code == parts.end()) {
    throw std::runtime_error(
        "--from and --to are for models whose tokenizer puts the code of a language beside a text, "
        "such as mBART's; this one's does not");
  }
  if (!languages.to.empty()) {
    const int32_t id = code_id(target, languages.to, "--to");
    const auto text = std::ranges::find(parts, Kind::kA, &PostTemplate::Part::kind);
    if (code < text) {
      options.processors.forced_bos_token_id = id;
    } else {
      format.start = id;
      options.processors.forced_bos_token_id.reset();
    }
  }
  if (languages.from.empty()) return;
  code->id = code_id(source, languages.from, "--from");
  format.source = PostTemplate({.single = parts, .pair = {}}, {});
}

}  // namespace zoo
