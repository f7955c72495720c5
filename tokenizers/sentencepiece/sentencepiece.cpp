#include "tokenizers/sentencepiece/sentencepiece.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "base/files.h"
#include "tokenizers/text/unicode_classes.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using Type = SentencePieceModel::Type;

bool is_text(Type type) {
  return type == Type::kNormal || type == Type::kUserDefined || type == Type::kUnused;
}

SentencePieceModel read_model(std::string_view bytes) {
  SentencePieceModel model = parse_sentencepiece_model(bytes);
  check_sentencepiece_model(model);
  return model;
}

void add_token(const AddedTokens::Part& part, bool details, Encoding& out) {
  out.ids.push_back(*part.id);
  if (!details) return;
  out.offsets.emplace_back(part.begin, part.begin + part.text.size());
  out.words.push_back(out.words.empty() ? 0 : out.words.back() + 1);
}

/// Counts the words before a position of a text. Words are delimited by spaces and include the
/// spaces before them. Calls must be in ascending order of positions.
class WordCounter {
 public:
  WordCounter(std::string_view text, int32_t first) : text_(text), word_(first) {}
  int32_t word_at(size_t place) {
    while (at_ <= place && at_ < text_.size()) {
      const utf8::Character c = utf8::first(text_.substr(at_));
      const bool space = c.valid && unicode::is_space(c.code);
      if (space && !after_space_ && at_ > 0) ++word_;
      after_space_ = space;
      at_ += c.size;
    }
    return word_;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
  int32_t word_;
  bool after_space_ = false;
};

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(std::string model)
    : bytes_(std::move(model)),
      model_(read_model(bytes_)),
      normalizer_(model_),
      segmenter_(make_segmenter(model_, unknown_of(model_))),
      unk_(unknown_of(model_)) {
  for (size_t id = 0; id < model_.pieces.size(); ++id) {
    ids_.emplace(model_.pieces[id].text, static_cast<int32_t>(id));
    if (model_.pieces[id].type == Type::kByte) {
      byte_ids_[byte_of(model_.pieces[id])] = static_cast<int32_t>(id);
    }
  }
  find_roles();
  const auto list = [](std::optional<int32_t> id) {
    return id ? std::vector<int32_t>{*id} : std::vector<int32_t>();
  };
  post_ = PostTemplate(list(bos_), list(eos_));
}

SentencePieceTokenizer::SentencePieceTokenizer(std::string model,
                                               const nlohmann::json& tokenizer_json)
    : SentencePieceTokenizer(std::move(model)) {
  std::vector<AddedToken> tokens = read_added_tokens(tokenizer_json);
  std::sort(tokens.begin(), tokens.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  for (const AddedToken& token : tokens) {
    if (token.id == vocab_size()) {  // an added token outside the model
      const Type type = token.special ? Type::kControl : Type::kUserDefined;
      model_.pieces.push_back({token.text, 0, type});
      ids_.emplace(token.text, token.id);
    }
    if (id_of(token.text) != token.id) {
      throw std::runtime_error(fmt::format("added token '{}' has id {}, expected {}", token.text,
                                           token.id, id_of(token.text).value_or(vocab_size())));
    }
  }
  added_ = AddedTokens(std::move(tokens));
  post_ = read_post_template(tokenizer_json.value("post_processor", nlohmann::json()));
  for (const auto* parts : {&post_.single(), &post_.pair()}) {
    for (const PostTemplate::Part& part : *parts) {
      if (part.kind == PostTemplate::Part::Kind::kId) piece(part.id);  // throws for an invalid id
    }
  }
}

bool SentencePieceTokenizer::accepts(std::string_view model, const nlohmann::json& tokenizer_json) {
  try {
    for (const AddedToken& token : read_added_tokens(tokenizer_json)) {
      if (token.normalized) return false;
    }
    return describes_sentencepiece(tokenizer_json, read_model(model));
  } catch (const std::exception&) {
    return false;
  }
}

void SentencePieceTokenizer::find_roles() {
  const auto role = [&](const std::string& text) -> std::optional<int32_t> {
    const auto id = id_of(text);
    return id && piece(*id).type == Type::kControl ? id : std::nullopt;
  };
  bos_ = role(model_.bos_piece);
  eos_ = role(model_.eos_piece);
  pad_ = role(model_.pad_piece);
}

std::string SentencePieceTokenizer::kind() const {
  return model_.algorithm == SentencePieceModel::Algorithm::kBpe ? "sentencepiece-bpe"
                                                                 : "sentencepiece-unigram";
}

const SentencePieceModel::Piece& SentencePieceTokenizer::piece(int32_t id) const {
  if (id < 0 || id >= vocab_size()) {
    throw std::out_of_range(fmt::format("{} tokenizer: id {} is outside the vocabulary (0 to {})",
                                        kind(), id, vocab_size() - 1));
  }
  return model_.pieces[static_cast<size_t>(id)];
}

// ---- Encoding ----

/// A part of the user's text, normalised.
struct SentencePieceTokenizer::Normalized {
  std::string text;
  std::vector<size_t> origins;  // empty if no details are wanted
  AddedTokens::Part part;
};

SentencePieceTokenizer::Normalized SentencePieceTokenizer::normalize(const AddedTokens::Part& part,
                                                                     bool details) const {
  Normalized normalized{.part = part};
  normalized.text = normalizer_.apply(part.text, details ? &normalized.origins : nullptr);
  return normalized;
}

std::vector<AddedTokens::Part> SentencePieceTokenizer::split(std::string_view text,
                                                             bool recognise_added) const {
  if (recognise_added && !added_.empty()) return added_.split(text);
  if (text.empty()) return {};
  return {{.text = text}};
}

/// Calls emit(id, begin, end) with positions in the normalised text. Unknown characters become
/// their bytes; without byte pieces, a run of them becomes one <unk>.
template <class Emit>
void SentencePieceTokenizer::for_each_id(const Normalized& from,
                                         const Segmenter::Segments& segments,
                                         const Emit& emit) const {
  // All bytes of a character have its span. In a unigram model, the bytes of a run of unknown
  // characters have the span of the run, as in the `tokenizers` package.
  const bool fuses =
      !model_.byte_fallback || model_.algorithm == SentencePieceModel::Algorithm::kUnigram;
  for (size_t i = 0; i < segments.size(); ++i) {
    const size_t begin = segments[i].begin;
    size_t end = segments[i].end;
    if (segments[i].id != unk_) {
      emit(segments[i].id, begin, end);
      continue;
    }
    while (fuses && i + 1 < segments.size() && segments[i + 1].id == unk_) end = segments[++i].end;
    if (!model_.byte_fallback) {
      emit(unk_, begin, end);
      continue;
    }
    for (const char byte : std::string_view(from.text).substr(begin, end - begin)) {
      emit(byte_ids_[static_cast<unsigned char>(byte)], begin, end);
    }
  }
}

void SentencePieceTokenizer::add(const Normalized& from, const Segmenter::Segments& segments,
                                 Encoding& out) const {
  const bool details = !from.origins.empty();
  WordCounter words(from.part.text, out.words.empty() ? 0 : out.words.back() + 1);
  out.ids.reserve(out.ids.size() + segments.size());
  for_each_id(from, segments, [&](int32_t id, size_t begin, size_t end) {
    out.ids.push_back(id);
    if (!details) return;
    out.offsets.emplace_back(from.part.begin + from.origins[begin],
                             from.part.begin + from.origins[end]);
    out.words.push_back(words.word_at(from.origins[begin]));
  });
}

Encoding SentencePieceTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  Encoding out;
  Segmenter::Segments segments;
  for (const AddedTokens::Part& part : split(text, options.recognise_added)) {
    if (part.id) {
      add_token(part, options.details, out);
      continue;
    }
    const Normalized normalized = normalize(part, options.details);
    segmenter_->best(normalized.text, segments);
    add(normalized, segments, out);
  }
  return finish_encoding(*this, std::move(out), options);
}

std::vector<int32_t> SentencePieceTokenizer::sample(std::string_view text, double alpha,
                                                    int nbest_size, uint64_t seed) const {
  const bool bpe = model_.algorithm == SentencePieceModel::Algorithm::kBpe;
  if (!(alpha >= 0) || alpha > (bpe ? 1.0 : std::numeric_limits<double>::max())) {
    throw std::invalid_argument(fmt::format("{}: alpha is {}, expected {}", kind(), alpha,
                                            bpe ? "a probability from 0 to 1" : "0 or more"));
  }
  std::mt19937_64 random(seed);
  Encoding out;
  for (const AddedTokens::Part& part : split(text, /*recognise_added=*/true)) {
    if (part.id) {
      add_token(part, /*details=*/false, out);
      continue;
    }
    const Normalized normalized = normalize(part, /*details=*/false);
    add(normalized, segmenter_->sample(normalized.text, alpha, nbest_size, random), out);
  }
  return out.ids;
}

std::vector<SentencePieceTokenizer::ScoredIds> SentencePieceTokenizer::nbest(std::string_view text,
                                                                             size_t n) const {
  const Normalized normalized = normalize({.text = text}, /*details=*/false);
  std::vector<ScoredIds> found;
  for (const auto& [segments, score] : segmenter_->nbest(normalized.text, n)) {
    Encoding out;
    add(normalized, segments, out);
    found.push_back({std::move(out.ids), score});
  }
  return found;
}

std::vector<SentencePieceTokenizer::NamedPiece> SentencePieceTokenizer::pieces(
    std::string_view text) const {
  const Normalized normalized = normalize({.text = text}, /*details=*/true);
  Segmenter::Segments segments;
  segmenter_->best(normalized.text, segments);
  WordCounter words(text, 0);
  std::vector<NamedPiece> found;
  for_each_id(normalized, segments, [&](int32_t id, size_t begin, size_t end) {
    const size_t from = normalized.origins[begin];
    found.push_back({id == unk_ ? normalized.text.substr(begin, end - begin) : piece(id).text, from,
                     normalized.origins[end], words.word_at(from)});
  });
  return found;
}

// ---- Decoding ----

std::string SentencePieceTokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string text, run;  // run: consecutive byte pieces, which can end inside a character
  const auto end_run = [&] {
    text += utf8::replace_invalid(run);
    run.clear();
  };
  for (const int32_t id : ids) {
    if (piece(id).type == Type::kByte) {
      run += bytes_of(id);
      continue;
    }
    end_run();
    if (!skip_special || !is_special(id)) text += bytes_of(id);
  }
  end_run();
  const size_t spaces = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(std::min(spaces, leading_spaces_dropped(model_)));
}

std::string SentencePieceTokenizer::join(std::span<const std::string> pieces) const {
  std::string text, run;
  bool at_start = model_.add_dummy_prefix || model_.remove_extra_whitespaces;
  for (const std::string& name : pieces) {
    const auto id = id_of(name);
    const Type type = id ? piece(*id).type : Type::kUnknown;
    if (type == Type::kByte) {
      run += static_cast<char>(byte_of(piece(*id)));
      continue;
    }
    text += utf8::replace_invalid(run);
    run.clear();
    at_start &= text.empty();
    if (type == Type::kControl) continue;
    if (type == Type::kUnknown) {
      text += id ? model_.unk_surface : name;
      continue;
    }
    std::string_view rest = name;
    if (at_start && rest.starts_with(kMarkedSpace)) {
      rest.remove_prefix(kMarkedSpace.size());
      at_start = model_.remove_extra_whitespaces;  // otherwise encode added only one space
    }
    text += utf8::replace_all(rest, kMarkedSpace, " ");
  }
  return text + utf8::replace_invalid(run);
}

std::string SentencePieceTokenizer::piece_of(int32_t id) const { return piece(id).text; }

std::string SentencePieceTokenizer::bytes_of(int32_t id) const {
  const SentencePieceModel::Piece& found = piece(id);
  if (found.type == Type::kByte) return {static_cast<char>(byte_of(found))};
  if (!is_text(found.type) || !model_.escape_whitespaces) return found.text;
  return utf8::replace_all(found.text, kMarkedSpace, " ");
}

std::optional<int32_t> SentencePieceTokenizer::id_of(std::string_view piece) const {
  const auto found = ids_.find(std::string(piece));
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

bool SentencePieceTokenizer::is_special(int32_t id) const {
  const Type type = piece(id).type;
  return type == Type::kControl || type == Type::kUnknown;
}

OrderedJson SentencePieceTokenizer::to_json() const {
  std::vector<AddedToken> added = added_.all();
  if (added.empty()) added = added_tokens_of(model_);
  const SentencePieceModel own = parse_sentencepiece_model(bytes_);  // without added tokens
  TokenizerJson parts = sentencepiece_to_json(own);
  parts.post_processor = post_template_to_json(post_, [this](int32_t id) { return piece_of(id); });
  return make_tokenizer_json(parts, added);
}

void SentencePieceTokenizer::save(const std::filesystem::path& folder) const {
  write_file(folder / "tokenizer.model", bytes_);
  write_tokenizer_json(folder, to_json(), *this);
}

}  // namespace zoo
