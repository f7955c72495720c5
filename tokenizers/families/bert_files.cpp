#include "tokenizers/families/bert_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "app/files.h"
#include "tokenizers/json_fields.h"
#include "tokenizers/stages/bert_rules.h"
#include "tokenizers/text/utf8.h"
#include "tokenizers/tokenizer_json.h"

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

bool flag(const json& config, const char* name, bool otherwise) {
  const auto found = config.find(name);
  if (found == config.end() || found->is_null()) return otherwise;
  if (!found->is_boolean()) {
    throw std::runtime_error(fmt::format("tokenizer_config.json: {} must be true or false", name));
  }
  return found->get<bool>();
}

/// A name, or an object with flags.
AddedToken read_token(const json& token, const char* where) {
  if (token.is_string()) return {.text = token.get<std::string>()};
  const auto content = token.is_object() ? token.find("content") : token.end();
  if (content == token.end() || !content->is_string()) {
    throw std::runtime_error(
        fmt::format("tokenizer_config.json: {} must be a token's text or an object", where));
  }
  return {.text = content->get<std::string>(),
          .special = flag(token, "special", true),
          .single_word = flag(token, "single_word", false),
          .lstrip = flag(token, "lstrip", false),
          .rstrip = flag(token, "rstrip", false),
          .normalized = flag(token, "normalized", false)};
}

/// BERT's five special tokens and whatever else the config adds.
class TokenList {
 public:
  explicit TokenList(const std::vector<std::string_view>& pieces) {
    for (size_t id = 0; id < pieces.size(); ++id) {
      id_of_piece_[pieces[id]] = static_cast<int32_t>(id);
    }
  }

  void read(const json& config) {
    if (const auto added = config.find("added_tokens_decoder"); added != config.end()) {
      add_by_id(*added);
    }
    // The order in which `transformers` gives ids to those that the vocabulary lacks.
    for (const auto& [role, name] : {std::pair{"unk_token", "[UNK]"},
                                     {"sep_token", "[SEP]"},
                                     {"pad_token", "[PAD]"},
                                     {"cls_token", "[CLS]"},
                                     {"mask_token", "[MASK]"}}) {
      const json token = config.value(role, json(name));
      if (!token.is_null()) roles_[role] = add(read_token(token, role));
    }
    const auto more = config.find("additional_special_tokens");
    if (more == config.end() || more->is_null()) return;
    for (const json& token : *more) add(read_token(token, "additional_special_tokens"));
  }

  /// Throws where the config says null.
  const AddedToken& role(const char* name) const {
    const auto found = roles_.find(name);
    if (found == roles_.end()) {
      throw std::runtime_error(fmt::format("tokenizer_config.json: BERT needs a {}", name));
    }
    return tokens_[found->second];
  }
  const std::vector<AddedToken>& all() const { return tokens_; }

  /// Every piece once, by id.
  OrderedJson vocabulary(const std::vector<std::string_view>& pieces) const {
    OrderedJson::object_t vocabulary;
    for (size_t id = 0; id < pieces.size(); ++id) {
      if (id_of_piece_.at(pieces[id]) != static_cast<int32_t>(id)) continue;
      vocabulary.emplace_back(std::string(pieces[id]), id);
    }
    return OrderedJson(std::move(vocabulary));
  }

 private:
  void add_by_id(const json& added) {
    std::map<int64_t, AddedToken> sorted;
    for (const auto& [id, token] : added.items()) {
      const bool is_number =
          !id.empty() && id.size() < 10 && id.find_first_not_of("0123456789") == std::string::npos;
      if (!is_number || !token.is_object()) {
        throw std::runtime_error(
            "tokenizer_config.json: added_tokens_decoder must map ids to tokens");
      }
      sorted[std::stoll(id)] = read_token(token, "added_tokens_decoder");
    }
    for (const auto& [id, token] : sorted) add(token);
  }

  size_t add(AddedToken token) {
    const auto known = std::find_if(tokens_.begin(), tokens_.end(),
                                    [&](const AddedToken& t) { return t.text == token.text; });
    if (known != tokens_.end()) return static_cast<size_t>(known - tokens_.begin());
    const auto piece = id_of_piece_.find(token.text);
    token.id = piece == id_of_piece_.end() ? next_id() : piece->second;
    tokens_.push_back(std::move(token));
    return tokens_.size() - 1;
  }

  /// As the reference counts: different pieces, not lines. Where a piece has several lines, the id
  /// may be that of a later piece, whose name is then hidden when ids are decoded.
  int32_t next_id() const {
    auto id = static_cast<int32_t>(id_of_piece_.size());
    for (const AddedToken& token : tokens_) id = std::max(id, token.id + 1);
    return id;
  }

  std::unordered_map<std::string_view, int32_t> id_of_piece_;
  std::vector<AddedToken> tokens_;
  std::map<std::string, size_t> roles_;
};

/// [CLS] A [SEP], and [CLS] A [SEP] B [SEP] with segment 1 for B.
OrderedJson bert_template(const AddedToken& cls, const AddedToken& sep) {
  const auto token = [](const AddedToken& t, int segment) -> OrderedJson {
    return {{"SpecialToken", {{"id", t.text}, {"type_id", segment}}}};
  };
  const auto text = [](const char* name, int segment) -> OrderedJson {
    return {{"Sequence", {{"id", name}, {"type_id", segment}}}};
  };
  OrderedJson single = {token(cls, 0), text("A", 0), token(sep, 0)};
  OrderedJson pair = single;
  pair.push_back(text("B", 1));
  pair.push_back(token(sep, 1));
  OrderedJson names;
  for (const AddedToken* t : {&cls, &sep}) {
    names[t->text] = {{"id", t->text}, {"ids", {t->id}}, {"tokens", {t->text}}};
  }
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", names}};
}

json parse_config(std::string_view text) {
  const json config = text.empty() ? json::object() : fields::parse(text);
  if (!config.is_object()) {
    throw std::runtime_error("the tokenizer_config.json beside it is not a JSON object");
  }
  return config;
}

}  // namespace

std::string bert_document(std::string_view vocab_txt, std::string_view config_text) {
  const std::vector<std::string_view> pieces = pieces_of(vocab_txt);
  const json config = parse_config(config_text);
  TokenList tokens(pieces);
  tokens.read(config);
  const bool has_rule = !config.value("strip_accents", json()).is_null();
  // null: as lowercase.
  const OrderedJson strip_accents =
      has_rule ? OrderedJson(flag(config, "strip_accents", false)) : OrderedJson();
  const TokenizerJson parts = {
      .normalizer = {{"type", "BertNormalizer"},
                     {"clean_text", true},
                     {"handle_chinese_chars", flag(config, "tokenize_chinese_chars", true)},
                     {"strip_accents", strip_accents},
                     {"lowercase", flag(config, "do_lower_case", true)}},
      .pre_tokenizer = {{"type", "BertPreTokenizer"}},
      .post_processor = bert_template(tokens.role("cls_token"), tokens.role("sep_token")),
      .decoder = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}},
      .model = {{"type", "WordPiece"},
                {"unk_token", tokens.role("unk_token").text},
                {"continuing_subword_prefix", "##"},
                {"max_input_chars_per_word", 100},
                {"vocab", tokens.vocabulary(pieces)}}};
  return make_tokenizer_json(parts, tokens.all()).dump(2) + "\n";
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
