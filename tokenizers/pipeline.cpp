#include "tokenizers/pipeline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "base/files.h"
#include "tokenizers/algorithms/bpe.h"
#include "tokenizers/core/tokenizer_json.h"
#include "tokenizers/families/bert_files.h"
#include "tokenizers/families/byte_bpe_files.h"
#include "tokenizers/stages/byte_alphabet.h"
#include "tokenizers/stages/json_fields.h"
#include "tokenizers/text/unicode_classes.h"
#include "tokenizers/text/utf8.h"

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

/// Characters of whitespace at the two ends of a piece; 'Ġ' is a space of the byte alphabet.
struct Ends {
  size_t leading = 0, trailing = 0;
};

Ends whitespace_of(std::string_view piece) {
  const auto is_space = [](utf8::Character c) {
    constexpr char32_t kByteSpace = 0x120;
    return c.code == kByteSpace || unicode::is_space(c.code);
  };
  Ends ends;
  for (std::string_view rest = piece; !rest.empty() && is_space(utf8::first(rest));
       ++ends.leading) {
    rest.remove_prefix(utf8::first(rest).size);
  }
  for (; !piece.empty() && is_space(utf8::last(piece)); ++ends.trailing) {
    piece.remove_suffix(utf8::last(piece).size);
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

/// A place in the text, and characters that the reference counts behind the text's end.
struct PastTheText {
  Span place;
  size_t beyond = 0;
};

/// The reference's place for a part that ends past its word (subword_model.h): its bytes in the
/// word, taken for bytes of the whole text; past the end of that, too, it is two characters long.
PastTheText past_the_word(Span part, std::string_view user) {
  const auto whole_character = [&](size_t at) {
    at = std::min(at, user.size());
    while (at > 0 && at < user.size() && (static_cast<uint8_t>(user[at]) & 0xC0) == 0x80) --at;
    return at;
  };
  PastTheText found{{whole_character(part.begin), whole_character(part.end)}};
  if (found.place.begin < user.size() && part.end > user.size()) {
    found.place.end = found.place.begin;
    found.beyond = 2;
    for (; found.beyond > 0 && found.place.end < user.size(); --found.beyond) {
      found.place.end += utf8::first(user.substr(found.place.end)).size;
    }
  }
  return found;
}

/// Whether a stage does, on whatever level.
bool writes_byte_alphabet(const json& pre_tokenizer) {
  if (!pre_tokenizer.is_object()) return false;
  if (pre_tokenizer.value("type", json()) == "ByteLevel") return true;
  const auto stages = pre_tokenizer.find("pretokenizers");
  return stages != pre_tokenizer.end() && stages->is_array() &&
         std::any_of(stages->begin(), stages->end(), writes_byte_alphabet);
}

}  // namespace

PipelineTokenizer::PipelineTokenizer(std::string document, std::string config)
    : document_(std::move(document)), config_(std::move(config)) {
  const json parsed = parse_tokenizer_json(document_);
  const json& model = parsed.at("model");
  const json pre_tokenizer = part(parsed, "pre_tokenizer");
  byte_alphabet_ = writes_byte_alphabet(pre_tokenizer);
  const bool bytes = model.at("type") == "BPE" && has_every_byte(model);
  normalizer_ = make_normalizer(part(parsed, "normalizer"));
  pre_tokenizer_ = make_pre_tokenizer(pre_tokenizer, bytes ? WordsAs::kBytes : WordsAs::kText);
  if (byte_alphabet_ && may_insert_without_place(part(parsed, "normalizer"))) {
    throw std::runtime_error(
        "the normalizer may put text before the first character (a Replace that matches nothing, "
        "or a Prepend of nothing), which the pre_tokenizer ByteLevel of the package cannot take; "
        "leave one of them out");
  }
  bytes_ = pre_tokenizer_ && pre_tokenizer_->makes_bytes();
  track_ = pre_tokenizer_ && pre_tokenizer_->looks_at_places() &&
           (normalizer_ || pre_tokenizer.at("type") == "Sequence");
  model_ = make_subword_model(model, bytes_);
  decoder_ = make_decoder(part(parsed, "decoder"));
  post_ = read_post_template(part(parsed, "post_processor"));
  trimming_ = read_offset_trimming(part(parsed, "post_processor"));
  kind_ = kind_of(model, byte_alphabet_);
  const json config_json = fields::parse(config_.empty() ? "{}" : config_);
  if (!config_json.is_object()) {
    throw std::runtime_error("the tokenizer_config.json beside it is not a JSON object");
  }
  read_use(config_json, model.at("type") == "BPE");
  added_ = AddedVocabulary(read_added_tokens(parsed), *model_, normalizer_.get(), !split_special_);
  vocab_size_ = std::max(model_->vocab_size(), added_.end());
  find_roles(config_json, part(parsed, "padding"));
}

/// Cleaning up was made for WordPiece; the reference keeps BPE's text unless it is asked twice.
void PipelineTokenizer::read_use(const json& config, bool is_bpe) {
  constexpr const char* kPart = "tokenizer_config.json";
  split_special_ = fields::boolean(config, "split_special_tokens", kPart, false);
  clean_up_ =
      fields::boolean(config, "clean_up_tokenization_spaces", kPart, false) &&
      (!is_bpe ||
       fields::boolean(config,
                       "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output",
                       kPart, false));
}

// tokenizer_config.json names the roles; without it, as AutoTokenizer does, the file's "padding"
// names the token for padding, and the names in use do the rest.
void PipelineTokenizer::find_roles(const json& config, const json& padding) {
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
    if (usual.role == Role::kPad && padding.is_object() && padding.contains("pad_token")) {
      found = id_of(fields::text(padding, "pad_token", "padding"));
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
  const bool tracked = options.details || track_;
  const auto add_token = [&](int32_t id, std::string_view piece, Span place) {
    out.ids.push_back(id);
    if (options.details) add_place(place, piece, text, word++, out);
  };
  const auto encode_rest = [&](std::string_view rest, size_t begin) {
    AlignedText aligned = bytes_ && !normalizer_ ? AlignedText(rest, begin, tracked)
                                                 : valid_text(rest, begin, tracked);
    if (normalizer_) normalizer_->apply(aligned);
    if (added_.normalized().empty() || !options.recognise_added) {
      return encode_words(std::move(aligned), text, out, word, options.details);
    }
    for (const AddedTokens::Part& stretch : added_.normalized().split(aligned.text())) {
      const size_t end = stretch.begin + stretch.text.size();
      if (!stretch.id) {
        encode_words(aligned.part(stretch.begin, end), text, out, word, options.details);
      } else {
        add_token(*stretch.id, stretch.text,
                  options.details ? aligned.origin(stretch.begin, end) : Span{});
      }
    }
  };
  if (options.recognise_added && !added_.raw().empty()) {
    for (const AddedTokens::Part& stretch : added_.raw().split(text)) {
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
    ends.clear();
    model_->encode(all.substr(span.begin, span.end - span.begin), out.ids,
                   details ? &ends : nullptr);
    if (details) add_places(pre, span, ends, user, word++, out);
  }
}

void PipelineTokenizer::add_places(const PreTokens& pre, const Span& word,
                                   const std::vector<size_t>& ends, std::string_view user,
                                   int32_t number, Encoding& out) const {
  const std::string_view text =
      std::string_view(pre.text.text()).substr(word.begin, word.end - word.begin);
  const size_t first_id = out.offsets.size();
  size_t begin = 0, next = 0;
  for (size_t i = 0; i < ends.size(); ++i) {
    if (ends[i] != next) begin = next;  // else one more byte of the same part
    next = ends[i];
    std::string piece;
    if (!trimming_.empty()) {
      const int32_t id = out.ids[first_id + i];
      const bool as_text = model_->keeps_unknown_text() && id == model_->unk_id();
      piece = as_text ? std::string(text.substr(begin, next - begin)) : model_->piece_of(id);
    }
    if (next <= text.size()) {
      add_place(pre.text.origin(word.begin + begin, word.begin + next), piece, user, number, out);
    } else {
      const PastTheText past = past_the_word({begin, next}, user);
      add_place(past.place, piece, user, number, out, past.beyond);
    }
  }
}

/// The place of the last id. `piece`: what it is shown as, an added token as it stands in the text.
/// `beyond`: characters of the place behind the text's end, which spaces are taken from first.
void PipelineTokenizer::add_place(Span place, std::string_view piece, std::string_view user,
                                  int32_t word, Encoding& out, size_t beyond) const {
  for (const OffsetTrimming& trimming : trimming_) {
    const bool first = out.offsets.empty() || place.begin == 0;
    Ends ends = whitespace_of(piece);
    const size_t taken = std::min(beyond, ends.trailing);
    beyond -= taken;
    ends.trailing -= taken;
    place = trimmed(place, ends, user, first && trimming.prefix_space);
  }
  out.offsets.emplace_back(place.begin, place.end);
  out.words.push_back(word);
}

// ---- Decoding ----
std::string PipelineTokenizer::piece_of(int32_t id) const {
  if (id < 0 || id >= vocab_size_) {
    throw std::out_of_range(fmt::format("{} tokenizer: id {} is outside the vocabulary (0 to {})",
                                        kind_, id, vocab_size_ - 1));
  }
  if (const std::string* added = added_.shown(id)) return *added;
  return id < model_->vocab_size() ? model_->piece_of(id) : std::string();
}

/// Nothing belongs to an id that the vocabulary leaves out; an empty piece is one.
bool PipelineTokenizer::has_piece(int32_t id) const {
  return added_.shown(id) != nullptr || !model_->piece_of(id).empty() || model_->id_of("") == id;
}

std::string PipelineTokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::vector<std::string> pieces;
  pieces.reserve(ids.size());
  for (const int32_t id : ids) {
    std::string piece = piece_of(id);
    if (piece.empty() && !has_piece(id)) continue;
    if (!skip_special || !added_.is_special(piece)) pieces.push_back(std::move(piece));
  }
  if (decoder_ && !pieces.empty()) decoder_->apply(pieces);
  std::string text = fmt::format("{}", fmt::join(pieces, decoder_ ? "" : " "));
  return clean_up_ ? clean_up_english(std::move(text)) : text;
}

std::string PipelineTokenizer::bytes_of(int32_t id) const {
  const std::string piece = piece_of(id);
  if (added_.shown(id) != nullptr || piece.empty()) return piece;
  if (byte_alphabet_) return from_byte_alphabet(piece).value_or(piece);
  if (const auto byte = byte_of_piece(piece)) return {*byte};
  if (!decoder_) return " " + piece;
  // What the decoder makes of it in the middle of a text: a first piece is often treated otherwise.
  std::vector<std::string> pieces = {"a", piece};
  decoder_->apply(pieces);
  return fmt::format("{}", fmt::join(pieces, "")).substr(1);
}

std::optional<int32_t> PipelineTokenizer::id_of(std::string_view piece) const {
  const auto added = added_.id_of(piece);
  return added ? added : model_->id_of(piece);
}

bool PipelineTokenizer::is_special(int32_t id) const {
  return id >= 0 && id < vocab_size_ && added_.is_special(piece_of(id));
}

void PipelineTokenizer::save(const std::filesystem::path& folder) const {
  write_file(folder / "tokenizer.json", document_);
  write_file(folder / "tokenizer_config.json",
             config_.empty() ? make_tokenizer_config(*this) : config_);
  if (kind_ == "byte-bpe") write_byte_bpe_files(folder, parse_tokenizer_json(document_));
  if (kind_ == "wordpiece") write_vocab_txt(folder, parse_tokenizer_json(document_));
}

}  // namespace zoo
