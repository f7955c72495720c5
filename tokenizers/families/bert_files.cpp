#include "tokenizers/families/bert_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "base/files.h"
#include "tokenizers/core/tokenizer_json.h"
#include "tokenizers/stages/bert_rules.h"
#include "tokenizers/stages/json_fields.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using nlohmann::json;

std::string_view without_spaces_at_end(std::string_view line) {
  while (!line.empty()) {
    const utf8::Character c = utf8::last(line);
    if (!c.valid || !bert::is_whitespace(c.code)) break;
    line.remove_suffix(c.size);
  }
  return line;
}

std::vector<std::string_view> pieces_of(std::string_view vocab_txt) {
  if (const size_t at = utf8::find_invalid(vocab_txt); at != std::string_view::npos) {
    throw std::runtime_error(fmt::format("expected one piece a line in UTF-8, byte {} is not", at));
  }
  std::vector<std::string_view> pieces;
  while (!vocab_txt.empty()) {
    const size_t end = std::min(vocab_txt.find('\n'), vocab_txt.size());
    pieces.push_back(without_spaces_at_end(vocab_txt.substr(0, end)));
    vocab_txt.remove_prefix(std::min(end + 1, vocab_txt.size()));
  }
  return pieces;
}

}  // namespace

json read_vocab_txt(std::string_view vocab_txt) {
  json vocab = json::object();
  int32_t id = 0;
  for (const std::string_view piece : pieces_of(vocab_txt)) vocab[std::string(piece)] = id++;
  return vocab;
}

void write_vocab_txt(const std::filesystem::path& folder, const json& document) {
  std::vector<std::pair<int64_t, std::string_view>> pieces;
  for (const auto& [piece, id] : document.at("model").at("vocab").items()) {
    if (piece.find('\n') != std::string::npos || without_spaces_at_end(piece) != piece) return;
    pieces.emplace_back(id.get<int64_t>(), piece);
  }
  std::sort(pieces.begin(), pieces.end());
  std::string lines;
  int64_t line = 0, gaps = 0;
  for (const auto& [id, piece] : pieces) {
    gaps += id - line;
    if (id < line || gaps > static_cast<int64_t>(pieces.size())) return;
    lines.append(static_cast<size_t>(id - line), '\n').append(piece).append("\n");
    line = id + 1;
  }
  write_file(folder / "vocab.txt", lines);
}

}  // namespace zoo
