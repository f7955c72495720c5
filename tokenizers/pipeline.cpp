#include "tokenizers/pipeline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "app/files.h"
#include "tokenizers/families/bert_files.h"
#include "tokenizers/families/byte_bpe_files.h"
#include "tokenizers/json_fields.h"
#include "tokenizers/stages/byte_alphabet.h"
#include "tokenizers/text/unicode_classes.h"
#include "tokenizers/text/utf8.h"
#include "tokenizers/tokenizer_json.h"

namespace zoo {
namespace {

using nlohmann::json;

json part(const json& document, const char* name) { return document.value(name, json()); }

std::string kind_of(const json& model, bool byte_level) {
  const std::string type = model.at("type");
  if (type == "BPE" && byte_level) return "byte-bpe";
  if (type == "BPE") return model.value("byte_fallback", false) ? "sentencepiece-bpe" : "bpe";
  if (type == "Unigram") return "sentencepiece-unigram";
  return type == "WordPiece" ? "wordpiece" : "words";
}

/// The user's text as rules may read it: valid UTF-8, an invalid byte as U+FFFD.
AlignedText valid_text(std::string_view text, size_t begin, bool tracked) {
  AlignedText aligned(text, begin, tracked);
  if (utf8::find_invalid(text) == std::string_view::npos) return aligned;
  AlignedText::Editor editor(aligned);
  while (!editor.done()) {
    const size_t valid = std::min(utf8::find_invalid(editor.rest()), editor.rest().size());
    editor.keep(valid);
    if (!editor.done()) editor.replace(1, utf8::encode(0xFFFD));
  }
  editor.finish();
  return aligned;
}

/// Spaces at the two ends of a piece.
struct Ends {
  size_t leading = 0, trailing = 0;
};

/// Of a byte-level piece: its bytes other than spaces are no whitespace there.
Ends spaces_of(std::string_view piece) {
  return {std::min(piece.find_first_not_of(' '), piece.size()),
          piece.size() - (piece.find_last_not_of(' ') + 1)};
}

/// Of an added token, which may have taken whitespace along: in characters.
Ends whitespace_of(std::string_view text) {
  Ends ends;
  for (; !text.empty() && unicode::is_space(utf8::first(text).code); ++ends.leading) {
    text.remove_prefix(utf8::first(text).size);
  }
  for (; !text.empty() && unicode::is_space(utf8::last(text).code); ++ends.trailing) {
    text.remove_suffix(utf8::last(text).size);
  }
  return ends;
}

/// The reference's way to leave spaces out of a piece's place in `text`: as many characters as the
/// piece has spaces. A single one that the tokenizer itself put before the text (`prefixed`) has no
/// place to leave out.
Span trimmed(Span place, Ends ends, std::string_view text, bool prefixed) {
  if (ends.leading == 1 && prefixed) ends.leading = 0;
  for (; ends.leading > 0 && place.begin < place.end; --ends.leading) {
    place.begin += utf8::first(text.substr(place.begin)).size;
  }
  size_t end = place.end;
  for (; ends.trailing > 0 && end > 0; --ends.trailing) end -= utf8::last(text.substr(0, end)).size;
  if (ends.trailing == 0) place.end = std::max(end, place.begin);
  return place;
}

}  // namespace

PipelineTokenizer::PipelineTokenizer(std::string document, std::string config)
    : document_(std::move(document)), config_(std::move(config)) {
  const json parsed = parse_tokenizer_json(document_);
  const json& model = parsed.at("model");
  normalizer_ = make_normalizer(part(parsed, "normalizer"));
  pre_tokenizer_ = make_pre_tokenizer(part(parsed, "pre_tokenizer"));
  byte_level_ = pre_tokenizer_ && pre_tokenizer_->byte_level();
  model_ = make_subword_model(model, byte_level_);
  decoder_ = make_decoder(part(parsed, "decoder"));
  post_ = read_post_template(part(parsed, "post_processor"));
  trimming_ = read_offset_trimming(part(parsed, "post_processor"));
  kind_ = kind_of(model, byte_level_);
  read_added(parsed);
  find_roles();
}

void PipelineTokenizer::read_added(const json& document) {
  added_ = read_added_tokens(document);
  std::sort(added_.begin(), added_.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  vocab_size_ = model_->vocab_size();
  std::vector<AddedToken> raw, normalized;
  for (const AddedToken& token : added_) shown_.push_back(token.text);
  for (const AddedToken& token : added_) {
    // The reference counts added tokens on from the model's: a gap of any size is a damaged file.
    constexpr int32_t kLargestGap = 1 << 20;
    if (token.id < 0 || token.id > vocab_size_ + kLargestGap) {
      throw std::runtime_error(fmt::format("added token '{}' has id {}, expected 0 to {}",
                                           token.text, token.id, vocab_size_));
    }
    vocab_size_ = std::max(vocab_size_, token.id + 1);
    (token.normalized ? normalized : raw).push_back(token);
    if (!token.normalized || !normalizer_) continue;
    AlignedText text(token.text, 0, false);
    normalizer_->apply(text);
    normalized.back().text = text.text();
    shown_[static_cast<size_t>(&token - added_.data())] = text.text();
    if (text.text().empty()) normalized.pop_back();
  }
  for (size_t i = 1; i < added_.size(); ++i) {
    if (added_[i].id == added_[i - 1].id) {
      throw std::runtime_error(fmt::format("added tokens '{}' and '{}' have one id, {}",
                                           added_[i - 1].text, added_[i].text, added_[i].id));
    }
  }
  raw_added_ = AddedTokens(std::move(raw));
  normalized_added_ = AddedTokens(std::move(normalized));
}

// tokenizer_config.json names the roles; without it the names in use do.
void PipelineTokenizer::find_roles() {
  const json config = fields::parse(config_.empty() ? "{}" : config_);
  if (!config.is_object()) {
    throw std::runtime_error("the tokenizer_config.json beside it is not a JSON object");
  }
  struct Usual {
    Role role;
    const char* key;
    std::vector<std::string_view> names;
  };
  const Usual all[] = {
      {Role::kBos, "bos_token", {"<s>", "<|startoftext|>", "<|begin_of_text|>", "<bos>"}},
      {Role::kEos, "eos_token", {"</s>", "<|endoftext|>", "<|end_of_text|>", "<eos>"}},
      {Role::kPad, "pad_token", {"<pad>", "[PAD]"}},
      {Role::kUnk, "unk_token", {"<unk>", "[UNK]"}},
      {Role::kCls, "cls_token", {"[CLS]"}},
      {Role::kSep, "sep_token", {"[SEP]"}},
      {Role::kMask, "mask_token", {"[MASK]", "<mask>"}}};
  for (const Usual& usual : all) {
    std::optional<int32_t>& found = roles_[static_cast<size_t>(usual.role)];
    if (const auto name = config.find(usual.key); name != config.end()) {
      if (name->is_string()) found = id_of(name->get<std::string>());
      if (name->is_object()) found = id_of(name->value("content", std::string()));
      continue;
    }
    for (const std::string_view name : usual.names) {
      if (!found) found = id_of(name);
    }
  }
  auto& unknown = roles_[static_cast<size_t>(Role::kUnk)];
  if (!unknown) unknown = model_->unk_id();
}

// ---- Encoding ----
Encoding PipelineTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  Encoding out;
  int32_t word = 0;
  const auto add_token = [&](int32_t id, std::string_view piece, Span place) {
    out.ids.push_back(id);
    if (options.details) add_place(place, piece, text, word++, out);
  };
  const auto encode_rest = [&](std::string_view rest, size_t begin) {
    AlignedText aligned = byte_level_ && !normalizer_ ? AlignedText(rest, begin, options.details)
                                                      : valid_text(rest, begin, options.details);
    if (normalizer_) normalizer_->apply(aligned);
    if (normalized_added_.empty() || !options.recognise_added) {
      return encode_words(std::move(aligned), text, out, word, options.details);
    }
    for (const AddedTokens::Part& stretch : normalized_added_.split(aligned.text())) {
      const size_t end = stretch.begin + stretch.text.size();
      if (!stretch.id) {
        encode_words(aligned.part(stretch.begin, end), text, out, word, options.details);
      } else {
        add_token(*stretch.id, stretch.text,
                  options.details ? aligned.origin(stretch.begin, end) : Span{});
      }
    }
  };
  if (options.recognise_added && !raw_added_.empty()) {
    for (const AddedTokens::Part& stretch : raw_added_.split(text)) {
      if (stretch.id) {
        const size_t end = stretch.begin + stretch.text.size();
        add_token(*stretch.id, stretch.text, {stretch.begin, end});
      } else {
        encode_rest(stretch.text, stretch.begin);
      }
    }
  } else if (!text.empty()) {
    encode_rest(text, 0);
  }
  return finish_encoding(*this, std::move(out), options);
}

void PipelineTokenizer::encode_words(AlignedText text, std::string_view user, Encoding& out,
                                     int32_t& word, bool details) const {
  if (text.text().empty()) return;
  const size_t size = text.text().size();
  PreTokens pre{.text = std::move(text), .words = {{0, size}}};
  if (pre_tokenizer_) pre_tokenizer_->apply(pre);
  const std::string_view all = pre.text.text();
  std::vector<size_t> ends;
  for (const Span& span : pre.words) {
    const std::string_view piece = all.substr(span.begin, span.end - span.begin);
    ends.clear();
    model_->encode(piece, out.ids, details ? &ends : nullptr);
    if (!details) continue;
    size_t begin = span.begin, next = span.begin;
    for (const size_t part_end : ends) {
      const size_t end = span.begin + part_end;
      if (end != next) begin = next;  // else one more byte of the same part
      next = end;
      add_place(pre.text.origin(begin, end), all.substr(begin, end - begin), user, word, out);
    }
    ++word;
  }
}

/// The place of the last id, whose piece is `piece` (of an added token: as it stands in the text).
void PipelineTokenizer::add_place(Span place, std::string_view piece, std::string_view user,
                                  int32_t word, Encoding& out) const {
  if (trimming_.on) {
    const bool first = out.offsets.empty() || place.begin == 0;
    const Ends ends = is_added(out.ids.back()) ? whitespace_of(piece) : spaces_of(piece);
    place = trimmed(place, ends, user, first && trimming_.prefix_space);
  }
  out.offsets.emplace_back(place.begin, place.end);
  out.words.push_back(word);
}

// ---- Decoding ----
const AddedToken* PipelineTokenizer::added_token(int32_t id) const {
  const auto found =
      std::lower_bound(added_.begin(), added_.end(), id,
                       [](const AddedToken& token, int32_t wanted) { return token.id < wanted; });
  return found != added_.end() && found->id == id ? &*found : nullptr;
}

std::string PipelineTokenizer::piece_of(int32_t id) const {
  if (id < 0 || id >= vocab_size_) {
    throw std::out_of_range(fmt::format("{} tokenizer: id {} is outside the vocabulary (0 to {})",
                                        kind_, id, vocab_size_ - 1));
  }
  if (const AddedToken* token = added_token(id)) {
    return shown_[static_cast<size_t>(token - added_.data())];
  }
  return id < model_->vocab_size() ? model_->piece_of(id) : std::string();
}

std::string PipelineTokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::vector<std::string> pieces;
  pieces.reserve(ids.size());
  for (const int32_t id : ids) {
    std::string piece = piece_of(id);
    // An id that the vocabulary leaves out has no piece.
    if (!piece.empty() && !(skip_special && is_special(id))) pieces.push_back(std::move(piece));
  }
  if (decoder_ && !pieces.empty()) decoder_->apply(pieces);
  return fmt::format("{}", fmt::join(pieces, decoder_ ? "" : " "));
}

std::string PipelineTokenizer::bytes_of(int32_t id) const {
  const std::string piece = piece_of(id);
  if (added_token(id) != nullptr || piece.empty()) return piece;
  if (byte_level_) return from_byte_alphabet(piece).value_or(piece);
  if (const auto byte = byte_of_piece(piece)) return {*byte};
  if (!decoder_) return " " + piece;
  // What the decoder makes of it in the middle of a text: a first piece is often treated otherwise.
  std::vector<std::string> pieces = {"a", piece};
  decoder_->apply(pieces);
  return fmt::format("{}", fmt::join(pieces, "")).substr(1);
}

std::optional<int32_t> PipelineTokenizer::id_of(std::string_view piece) const {
  for (const AddedToken& token : added_) {
    if (token.text == piece) return token.id;
  }
  return model_->id_of(piece);
}

bool PipelineTokenizer::is_special(int32_t id) const {
  const AddedToken* token = added_token(id);
  return token != nullptr && token->special;
}

void PipelineTokenizer::save(const std::filesystem::path& folder) const {
  write_file(folder / "tokenizer.json", document_);
  write_file(folder / "tokenizer_config.json",
             config_.empty() ? make_tokenizer_config(*this) : config_);
  if (kind_ == "byte-bpe") write_byte_bpe_files(folder, parse_tokenizer_json(document_));
  if (kind_ == "wordpiece") write_vocab_txt(folder, parse_tokenizer_json(document_));
}

}  // namespace zoo
