#include "tokenizers/algorithms/unigram.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using nlohmann::json;

constexpr double kUnknownPenalty = 10;

/// The number as the `tokenizers` package reads it. Its parser divides the decimal digits, as an
/// integer, by a power of ten, so one number in seven differs from the nearest double in the last
/// bit. Many splits of a text such as "ababab" have equal scores except for those bits, which then
/// decide.
double as_the_package_reads(double value) {
  char text[32];
  const auto written = std::to_chars(text, text + sizeof text, std::fabs(value),
                                     std::chars_format::scientific);  // shortest form, d.ddde-dd
  uint64_t digits = 0;
  int exponent = 0;
  for (const char* at = text; at != written.ptr; ++at) {
    if (*at == 'e') {
      int power = 0;
      std::from_chars(at[1] == '+' ? at + 2 : at + 1, written.ptr, power);
      exponent += power;
      break;
    }
    if (*at == '.') continue;
    digits = digits * 10 + static_cast<uint64_t>(*at - '0');
    exponent -= at == text ? 0 : 1;
  }
  constexpr int kLargest = 308;  // largest power of ten in a double
  double result = static_cast<double>(digits);
  for (; exponent < -kLargest; exponent += kLargest) result /= 1e308;
  double power = 1;
  const std::string literal = fmt::format("1e{}", std::abs(exponent));
  std::from_chars(literal.data(), literal.data() + literal.size(), power);
  result = exponent < 0 ? result / power : result * power;
  return std::signbit(value) ? -result : result;
}

double read_score(const json& number, size_t id) {
  if (!number.is_number()) {
    throw std::runtime_error(fmt::format("Unigram: the score of id {} is no number", id));
  }
  return number.is_number_float() ? as_the_package_reads(number.get<double>())
                                  : number.get<double>();
}

std::vector<UnigramModel::Piece> read_pieces(const json& vocabulary) {
  if (!vocabulary.is_array()) {
    throw std::runtime_error(
        "Unigram: expected \"vocab\" to be a list of [piece, score], found another type");
  }
  if (vocabulary.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    throw std::runtime_error("Unigram: more pieces than ids of 32 bits");
  }
  std::vector<UnigramModel::Piece> pieces;
  pieces.reserve(vocabulary.size());
  for (const json& entry : vocabulary) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string()) {
      throw std::runtime_error(
          fmt::format("Unigram: entry {} of \"vocab\" is no [piece, score]", pieces.size()));
    }
    pieces.push_back({entry[0].get<std::string>(), read_score(entry[1], pieces.size())});
  }
  return pieces;
}

std::optional<int32_t> read_unk_id(const json& model) {
  const auto found = model.find("unk_id");
  if (found == model.end() || found->is_null()) return std::nullopt;
  // Integers too large for int64_t become negative here.
  const bool fits = found->is_number_integer() && found->get<int64_t>() >= 0 &&
                    found->get<int64_t>() <= std::numeric_limits<int32_t>::max();
  if (!fits) {
    throw std::runtime_error(
        fmt::format("Unigram: expected \"unk_id\" to be an id, found {}", found->dump()));
  }
  return found->get<int32_t>();
}

}  // namespace

UnigramModel::UnigramModel(std::vector<Piece> pieces, std::optional<int32_t> unk_id,
                           bool byte_fallback)
    : pieces_(std::move(pieces)), unk_id_(unk_id) {
  if (pieces_.empty()) throw std::runtime_error("Unigram: the vocabulary is empty");
  if (unk_id_ && (*unk_id_ < 0 || *unk_id_ >= vocab_size())) {
    throw std::runtime_error(fmt::format("Unigram: unk_id {} is outside the vocabulary (0 to {})",
                                         *unk_id_, vocab_size() - 1));
  }
  std::vector<std::pair<std::string_view, int32_t>> entries;
  unknown_ = {unk_id_.value_or(-1), std::numeric_limits<double>::infinity()};
  for (const Piece& piece : pieces_) {
    const auto id = static_cast<int32_t>(entries.size());
    entries.emplace_back(piece.text, id);
    scores_.push_back(piece.score);
    unknown_.score = std::min(unknown_.score, piece.score);
    if (piece.text.empty()) empty_id_ = id;
  }
  unknown_.score -= kUnknownPenalty;
  finder_ = PieceFinder(std::move(entries));
  if (!byte_fallback) return;
  byte_ids_.emplace();
  for (size_t byte = 0; byte < byte_ids_->size(); ++byte) {
    (*byte_ids_)[byte] = finder_.find(fmt::format("<0x{:02X}>", byte));
  }
}

void UnigramModel::encode(std::string_view word, std::vector<int32_t>& ids,
                          std::vector<size_t>* ends) const {
  // Pieces come last to first, so a run of unknown characters grows to the left.
  const size_t first_id = ids.size(), first_end = ends ? ends->size() : 0;
  size_t run_begin = 0, run_end = 0;
  const auto end_run = [&] {
    if (run_end > 0) add_unknown(word.substr(run_begin, run_end - run_begin), run_end, ids, ends);
    run_end = 0;
  };
  const bool needs_unknown = viterbi<double>(
      word, finder_, unknown_, [&](int32_t id, size_t) { return scores_[static_cast<size_t>(id)]; },
      [&](size_t begin, size_t end, int32_t id) {
        if (id == unknown_.id) {
          if (run_end == 0) run_end = end;
          run_begin = begin;
          return;
        }
        end_run();
        ids.push_back(id);
        if (ends) ends->push_back(end);
      });
  end_run();
  // As in the reference, even if a longer piece covers the character in the final split.
  if (needs_unknown && !unk_id_) fail_unknown(word);
  std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(first_id), ids.end());
  if (ends) std::reverse(ends->begin() + static_cast<std::ptrdiff_t>(first_end), ends->end());
}

void UnigramModel::fail_unknown(std::string_view word) const {
  utf8::Character c = utf8::first(word);
  while (c.size < word.size() && finder_.find(word.substr(0, c.size)) >= 0) {
    word.remove_prefix(c.size);
    c = utf8::first(word);
  }
  throw std::runtime_error(fmt::format(
      "Unigram: {} is not in the vocabulary, which has no unk_id for what it does not know",
      c.valid ? utf8::describe(c.code) : "a byte that is not valid UTF-8"));
}

/// Adds the ids of a run of unknown characters, last to first.
void UnigramModel::add_unknown(std::string_view text, size_t end, std::vector<int32_t>& ids,
                               std::vector<size_t>* ends) const {
  const auto add = [&](int32_t id) {
    ids.push_back(id);
    if (ends) ends->push_back(end);
  };
  if (!unk_id_) fail_unknown(text);
  // A run of unknown characters can itself be a piece that was too improbable.
  const int32_t whole = finder_.find(text);
  if (whole >= 0) return add(whole);
  const auto has_byte = [&](char byte) {
    return (*byte_ids_)[static_cast<unsigned char>(byte)] >= 0;
  };
  if (!byte_ids_ || !std::all_of(text.begin(), text.end(), has_byte)) return add(*unk_id_);
  for (auto byte = text.rbegin(); byte != text.rend(); ++byte) {
    add((*byte_ids_)[static_cast<unsigned char>(*byte)]);
  }
}

std::optional<int32_t> UnigramModel::id_of(std::string_view piece) const {
  if (piece.empty()) return empty_id_;
  const int32_t id = finder_.find(piece);
  return id < 0 ? std::nullopt : std::optional(id);
}

std::unique_ptr<SubwordModel> make_unigram_model(const json& model) {
  if (!model.is_object() || !model.contains("vocab")) {
    throw std::runtime_error("Unigram: the model has no \"vocab\"");
  }
  const json fallback = model.value("byte_fallback", json(false));
  if (!fallback.is_boolean()) {
    throw std::runtime_error("Unigram: expected \"byte_fallback\" to be true or false");
  }
  return std::make_unique<UnigramModel>(read_pieces(model["vocab"]), read_unk_id(model),
                                        fallback.get<bool>());
}

}  // namespace zoo
