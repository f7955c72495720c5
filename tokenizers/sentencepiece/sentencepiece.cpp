#include "tokenizers/sentencepiece/sentencepiece.h"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "app/files.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using Type = SentencePieceModel::Type;

constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

bool is_text(Type type) {
  return type == Type::kNormal || type == Type::kUserDefined || type == Type::kUnused;
}

// "<0x0A>" -> 0x0A
char byte_of(const std::string& piece) {
  unsigned value = 0;
  if (piece.size() == 6) std::from_chars(piece.data() + 3, piece.data() + 5, value, 16);
  return static_cast<char>(value);
}

void check_supported(const SentencePieceModel& model) {
  using Algorithm = SentencePieceModel::Algorithm;
  if (model.algorithm != Algorithm::kBpe && model.algorithm != Algorithm::kUnigram) {
    throw std::runtime_error(
        "a SentencePiece model of words or characters; known are BPE and unigram");
  }
  if (model.denormalizes) {
    throw std::runtime_error("a SentencePiece model with denormalisation rules is not supported");
  }
  if (model.whitespace_as_suffix) {
    throw std::runtime_error(
        "a SentencePiece model with treat_whitespace_as_suffix is not supported");
  }
}

/// What the package sees as added tokens: the special pieces and those the user defined.
std::vector<AddedToken> added_tokens_of(const SentencePieceModel& model) {
  std::vector<AddedToken> tokens;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const auto& piece = model.pieces[id];
    const bool special = piece.type == Type::kControl || piece.type == Type::kUnknown;
    if (special || piece.type == Type::kUserDefined) {
      tokens.push_back({static_cast<int32_t>(id), piece.text, special});
    }
  }
  return tokens;
}

/// The pieces by id, as a tokenizer.json of either algorithm lists them.
std::vector<std::string> vocabulary_of(const nlohmann::json& model) {
  const nlohmann::json& vocabulary = model.at("vocab");
  std::vector<std::string> pieces(vocabulary.size());
  if (vocabulary.is_array()) {
    for (size_t id = 0; id < pieces.size(); ++id) pieces[id] = vocabulary[id].at(0);
    return pieces;
  }
  for (const auto& [piece, id] : vocabulary.items()) {
    std::string& place = pieces.at(id.get<size_t>());
    if (!place.empty()) throw std::runtime_error(fmt::format("id {} is given twice", id.dump()));
    place = piece;
  }
  return pieces;
}

void check_same_model(const SentencePieceModel& model, const nlohmann::json& found) {
  const TokenizerJson expected = sentencepiece_to_json(model);
  const auto differs = [](const std::string& what) {
    throw std::runtime_error(fmt::format(
        "its {} is not that of the .model file beside it; remove tokenizer.json to read the .model "
        "alone (raw SentencePiece ids)",
        what));
  };
  if (found.at("model").at("type") != expected.model["type"].get<std::string>()) differs("model");
  if (found.at("model").value("byte_fallback", false) != model.byte_fallback)
    differs("byte_fallback");
  const std::vector<std::string> pieces = vocabulary_of(found.at("model"));
  for (size_t id = 0; id < std::max(pieces.size(), model.pieces.size()); ++id) {
    if (id >= pieces.size() || id >= model.pieces.size() || pieces[id] != model.pieces[id].text) {
      differs(fmt::format("id {}", id));
    }
  }
  const auto part = [&](const char* name) { return found.value(name, nlohmann::json()); };
  if (part("normalizer") != nlohmann::json(expected.normalizer)) differs("normalizer");
  if (part("pre_tokenizer") != nlohmann::json(expected.pre_tokenizer)) differs("pre_tokenizer");
  if (part("decoder") != nlohmann::json(expected.decoder)) differs("decoder");
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(std::string model)
    : bytes_(std::move(model)),
      model_(parse_sentencepiece_model(bytes_)),
      processor_(std::make_unique<sentencepiece::SentencePieceProcessor>()) {
  check_supported(model_);
  const auto status = processor_->LoadFromSerializedProto(bytes_);
  if (!status.ok())
    throw std::runtime_error(fmt::format("the library refuses it: {}", status.message()));
  for (size_t id = 0; id < model_.pieces.size(); ++id) {
    ids_.emplace(model_.pieces[id].text, static_cast<int32_t>(id));
  }
  find_roles();
  if (bos_) specials_.before = {*bos_};
  if (eos_) specials_.after = {*eos_};
}

SentencePieceTokenizer::SentencePieceTokenizer(std::string model,
                                               const nlohmann::json& tokenizer_json)
    : SentencePieceTokenizer(std::move(model)) {
  check_same_model(model_, tokenizer_json);
  std::vector<AddedToken> tokens = read_added_tokens(tokenizer_json);
  std::sort(tokens.begin(), tokens.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  for (const AddedToken& token : tokens) {
    if (token.id == vocab_size()) {  // a token that the model does not have
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
  specials_ = read_special_template(tokenizer_json);
  for (const auto* side : {&specials_.before, &specials_.after}) {
    for (const int32_t id : *side) piece(id);  // throws where the template names no piece
  }
}

SentencePieceTokenizer::~SentencePieceTokenizer() = default;

void SentencePieceTokenizer::find_roles() {
  const auto role = [](int id) { return id < 0 ? std::nullopt : std::optional<int32_t>(id); };
  bos_ = role(processor_->bos_id());
  eos_ = role(processor_->eos_id());
  pad_ = role(processor_->pad_id());
  unk_ = role(processor_->unk_id());
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

void SentencePieceTokenizer::encode_part(const AddedTokens::Part& part, Encoding& out) const {
  const auto pieces = processor_->EncodeAsImmutableProto(part.text);
  for (size_t i = 0; i < pieces.pieces_size();) {
    // The library gives a character's place to the last of its byte pieces, an empty one to others.
    size_t last = i;
    const auto is_byte = [&](size_t at) {
      return processor_->IsByte(static_cast<int>(pieces.pieces(static_cast<int>(at)).id()));
    };
    while (is_byte(last) &&
           pieces.pieces(static_cast<int>(last)).begin() ==
               pieces.pieces(static_cast<int>(last)).end() &&
           last + 1 < pieces.pieces_size()) {
      ++last;
    }
    const auto place = pieces.pieces(static_cast<int>(last));
    const size_t begin = part.begin + place.begin(), end = part.begin + place.end();
    const bool byte_by_byte = last > i && end - begin == last - i + 1;
    for (size_t k = i; k <= last; ++k) {
      out.ids.push_back(static_cast<int32_t>(pieces.pieces(static_cast<int>(k)).id()));
      const size_t offset = begin + (k - i);
      out.offsets.emplace_back(byte_by_byte ? offset : begin, byte_by_byte ? offset + 1 : end);
    }
    i = last + 1;
  }
}

Encoding SentencePieceTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  Encoding out;
  const auto add_special = [&](const std::vector<int32_t>& ids, size_t at) {
    for (const int32_t id : ids) {
      out.ids.push_back(id);
      out.offsets.emplace_back(at, at);
    }
  };
  if (options.add_special) add_special(specials_.before, 0);
  if (!options.recognise_added) {
    encode_part({text, 0}, out);
  } else {
    for (const AddedTokens::Part& part : added_.split(text)) {
      if (part.id) {
        out.ids.push_back(*part.id);
        out.offsets.emplace_back(part.begin, part.begin + part.text.size());
      } else {
        encode_part(part, out);
      }
    }
  }
  if (options.add_special) add_special(specials_.after, text.size());
  return out;
}

std::string SentencePieceTokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string text, run;  // run: byte pieces in a row, which may break off inside a character
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

std::string SentencePieceTokenizer::piece_of(int32_t id) const { return piece(id).text; }

std::string SentencePieceTokenizer::bytes_of(int32_t id) const {
  const SentencePieceModel::Piece& found = piece(id);
  if (found.type == Type::kByte) return {byte_of(found.text)};
  if (!is_text(found.type) || !model_.escape_whitespaces) return found.text;
  return utf8::replace_all(found.text, kSpaceMark, " ");
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
  parts.post_processor = template_to_json(specials_, *this);
  return make_tokenizer_json(parts, added);
}

void SentencePieceTokenizer::save(const std::filesystem::path& folder) const {
  write_file(folder / "tokenizer.model", bytes_);
  write_tokenizer_json(folder, to_json(), *this);
}

}  // namespace zoo
