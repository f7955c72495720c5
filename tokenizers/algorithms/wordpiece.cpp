// Two tries in one array of nodes, level by level: for the start of a word, and for what follows
// (pieces written with "##", stored without it). When the walk down a trie stops, the node gives
// the pieces that are now certain and the node from which the walk continues. Differs from the
// paper: lists of certain pieces are trees with shared parts, so that no vocabulary makes them
// large.
#include "tokenizers/algorithms/wordpiece.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tokenizers/stages/json_fields.h"

namespace zoo {
namespace {

using nlohmann::json;

constexpr int32_t kNone = -1;
constexpr int32_t kStart = 0, kRest = 1;  // roots of the two tries

struct Entry {
  std::string_view text;
  int32_t id;
};

class PieceTries {
 public:
  /// Entries must be sorted by text, without repeats.
  PieceTries(const std::vector<Entry>& starts, const std::vector<Entry>& rests) {
    add_nodes(starts, rests);
    add_failures();
  }

  /// Appends the pieces of `word`. Returns false if it has no split; some pieces may be appended
  /// then.
  bool split(std::string_view word, std::vector<int32_t>& ids, std::vector<size_t>* ends) const {
    int32_t node = kStart;
    size_t end = 0;  // of the pieces so far
    for (size_t at = 0;;) {
      const int32_t next = at < word.size() ? child(node, word[at]) : kNone;
      if (next != kNone) {
        node = next;
        ++at;
        continue;
      }
      if (at == word.size() && (node == kRest || word.empty())) return true;
      if (failure_[node] == kNone) return false;
      append(certain_[node], ids, ends, end);
      node = failure_[node];
    }
  }

  std::optional<int32_t> find_start(std::string_view piece) const {
    int32_t node = kStart;
    for (size_t at = 0; at < piece.size() && node != kNone; ++at) node = child(node, piece[at]);
    if (node == kNone || id_[node] == kNone) return std::nullopt;
    return id_[node];
  }

 private:
  int32_t child(int32_t node, char byte) const {
    if (node <= kRest) return root_children_[node][static_cast<uint8_t>(byte)];
    const int32_t begin = first_child_[node], end = first_child_[node + 1];
    const void* const found =
        std::memchr(label_.data() + begin, byte, static_cast<size_t>(end - begin));
    if (found == nullptr) return kNone;
    return static_cast<int32_t>(static_cast<const char*>(found) - label_.data());
  }

  void add_nodes(const std::vector<Entry>& starts, const std::vector<Entry>& rests) {
    struct Pending {
      const Entry *begin, *end;  // entries that start with the node's text
      int32_t size;              // of the node's text
    };
    std::vector<Pending> nodes = {{starts.data(), starts.data() + starts.size(), 0},
                                  {rests.data(), rests.data() + rests.size(), 0}};
    parent_ = {kNone, kNone};
    label_ = {0, 0};
    for (size_t node = 0; node < nodes.size(); ++node) {
      auto [begin, end, size] = nodes[node];
      const bool is_piece = begin != end && begin->text.size() == static_cast<size_t>(size);
      size_.push_back(size);
      id_.push_back(is_piece ? begin->id : kNone);
      first_child_.push_back(static_cast<int32_t>(nodes.size()));
      begin += is_piece;
      while (begin != end) {
        const char byte = begin->text[static_cast<size_t>(size)];
        const Entry* const same = begin;
        while (begin != end && begin->text[static_cast<size_t>(size)] == byte) ++begin;
        nodes.push_back({same, begin, size + 1});
        parent_.push_back(static_cast<int32_t>(node));
        label_.push_back(byte);
      }
    }
    first_child_.push_back(static_cast<int32_t>(nodes.size()));
    for (const int32_t root : {kStart, kRest}) {
      std::fill_n(root_children_[root], 256, kNone);
      for (int32_t i = first_child_[root]; i < first_child_[root + 1]; ++i) {
        root_children_[root][static_cast<uint8_t>(label_[i])] = i;
      }
    }
  }

  /// Algorithm 2 of the paper, in order of increasing text length, which is the order of the nodes.
  void add_failures() {
    failure_.assign(id_.size(), kNone);
    certain_.assign(id_.size(), kNone);
    for (size_t node = 2; node < id_.size(); ++node) {
      if (id_[node] != kNone) {
        failure_[node] = kRest;
        certain_[node] = static_cast<int32_t>(node);
        continue;
      }
      int32_t from = failure_[parent_[node]];
      int32_t pieces = certain_[parent_[node]];
      while (from != kNone && child(from, label_[node]) == kNone) {
        pieces = join(pieces, certain_[from]);
        from = failure_[from];
      }
      if (from == kNone) continue;
      failure_[node] = child(from, label_[node]);
      certain_[node] = pieces;
    }
  }

  int32_t join(int32_t first, int32_t second) {
    if (second == kNone) return first;
    joined_.push_back({first, second});
    return -1 - static_cast<int32_t>(joined_.size());
  }

  void append(int32_t pieces, std::vector<int32_t>& ids, std::vector<size_t>* ends,
              size_t& end) const {
    std::vector<int32_t> later;  // stays empty for a single piece
    for (;;) {
      for (; pieces < kNone; pieces = joined_[-2 - pieces].first) {
        later.push_back(joined_[-2 - pieces].second);
      }
      ids.push_back(id_[pieces]);
      end += static_cast<size_t>(size_[pieces]);
      if (ends != nullptr) ends->push_back(end);
      if (later.empty()) return;
      pieces = later.back();
      later.pop_back();
    }
  }

  struct Joined {
    int32_t first, second;
  };
  std::vector<int32_t> first_child_;  // children are consecutive; has one more entry than nodes
  std::vector<char> label_;           // the last byte of the node's text
  std::vector<int32_t> id_;           // of the piece that ends here
  std::vector<int32_t> size_;         // of the node's text
  std::vector<int32_t> failure_;      // the node to continue from...
  std::vector<int32_t> certain_;  // ...after these pieces: a node, or -2 - (an index into joined_)
  std::vector<int32_t> parent_;
  std::vector<Joined> joined_;
  int32_t root_children_[2][256];
};

class WordPiece : public SubwordModel {
 public:
  WordPiece(std::vector<std::pair<int32_t, std::string>> pieces, const std::string& unknown,
            const std::string& prefix, size_t max_characters)
      : pieces_(sorted(std::move(pieces))),
        tries_(make_tries(pieces_, prefix)),
        unknown_text_(unknown),
        unknown_(tries_.find_start(unknown)),
        max_characters_(max_characters) {}

  void encode(std::string_view word, std::vector<int32_t>& ids,
              std::vector<size_t>* ends) const override {
    const size_t ids_before = ids.size(), ends_before = ends == nullptr ? 0 : ends->size();
    if (!is_too_long(word) && tries_.split(word, ids, ends)) return;
    if (!unknown_) {
      throw std::runtime_error(
          fmt::format("WordPiece: a word needs the unknown token, but the vocabulary has no '{}'",
                      fields::on_one_line(unknown_text_)));
    }
    ids.resize(ids_before);
    ids.push_back(*unknown_);
    if (ends == nullptr) return;
    ends->resize(ends_before);
    ends->push_back(word.size());
  }

  int32_t vocab_size() const override { return pieces_.empty() ? 0 : pieces_.back().first + 1; }

  int32_t piece_count() const override { return static_cast<int32_t>(pieces_.size()); }

  const std::string& piece_of(int32_t id) const override {
    static const std::string kEmpty;
    const auto found =
        std::lower_bound(pieces_.begin(), pieces_.end(), id,
                         [](const auto& piece, int32_t i) { return piece.first < i; });
    return found != pieces_.end() && found->first == id ? found->second : kEmpty;
  }

  std::optional<int32_t> id_of(std::string_view piece) const override {
    return tries_.find_start(piece);
  }
  std::optional<int32_t> unk_id() const override { return unknown_; }

 private:
  using Pieces = std::vector<std::pair<int32_t, std::string>>;

  static Pieces sorted(Pieces pieces) {
    std::sort(pieces.begin(), pieces.end());
    for (size_t i = 1; i < pieces.size(); ++i) {
      if (pieces[i].first == pieces[i - 1].first) {
        throw std::runtime_error(fmt::format("WordPiece: {} and {} have one id, {}",
                                             json(pieces[i - 1].second).dump(),
                                             json(pieces[i].second).dump(), pieces[i].first));
      }
    }
    return pieces;
  }

  static PieceTries make_tries(const Pieces& pieces, const std::string& prefix) {
    std::vector<Entry> starts, rests;
    for (const auto& [id, text] : pieces) {
      starts.push_back({text, id});
      if (text.size() > prefix.size() && text.starts_with(prefix)) {
        rests.push_back({std::string_view(text).substr(prefix.size()), id});
      }
    }
    const auto by_text = [](const Entry& a, const Entry& b) { return a.text < b.text; };
    std::sort(starts.begin(), starts.end(), by_text);
    std::sort(rests.begin(), rests.end(), by_text);
    return PieceTries(starts, rests);
  }

  bool is_too_long(std::string_view word) const {
    if (word.size() <= max_characters_) return false;
    const auto begins = [](char byte) { return (static_cast<uint8_t>(byte) & 0xC0) != 0x80; };
    const auto characters = std::count_if(word.begin(), word.end(), begins);
    return static_cast<size_t>(characters) > max_characters_;
  }

  Pieces pieces_;  // by id
  PieceTries tries_;
  std::string unknown_text_;
  std::optional<int32_t> unknown_;
  size_t max_characters_;
};

const json& field(const json& model, const char* name, bool (json::*is)() const noexcept,
                  const char* expected) {
  const auto found = model.is_object() ? model.find(name) : model.end();
  if (found == model.end() || !((*found).*is)()) {
    throw std::runtime_error(fmt::format("WordPiece: expected {} as \"{}\", found {}", expected,
                                         name,
                                         found == model.end() ? "nothing" : found->type_name()));
  }
  return *found;
}

}  // namespace

std::unique_ptr<SubwordModel> make_wordpiece_model(const json& model) {
  // Larger ids mean a damaged file: callers reserve memory for each id.
  constexpr int64_t kMaxId = (1 << 24) - 1;
  std::vector<std::pair<int32_t, std::string>> pieces;
  for (const auto& [text, id] : field(model, "vocab", &json::is_object, "an object").items()) {
    const int64_t number = id.is_number_integer() ? id.get<int64_t>() : -1;
    if (number < 0 || number > kMaxId) {
      throw std::runtime_error(fmt::format("WordPiece: {} must have an id from 0 to {}, found {}",
                                           json(text).dump(), kMaxId,
                                           id.is_number() ? id.dump() : id.type_name()));
    }
    pieces.emplace_back(static_cast<int32_t>(number), text);
  }
  const json& characters =
      field(model, "max_input_chars_per_word", &json::is_number_unsigned, "a number from 0 on");
  return std::make_unique<WordPiece>(
      std::move(pieces), field(model, "unk_token", &json::is_string, "a string"),
      field(model, "continuing_subword_prefix", &json::is_string, "a string"),
      characters.get<size_t>());
}

}  // namespace zoo
