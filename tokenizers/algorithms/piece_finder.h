// Every piece of a vocabulary in a text, in one pass: the automaton of Aho & Corasick 1975
// ("Efficient string matching", CACM 18(6)). A trie of the pieces, and for each of its nodes the
// node to go on from where the next byte does not fit: that of the longest suffix which the trie
// has, too.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoo {

/// A text of n bytes costs n steps and as many as there are pieces in it, however long they are.
class PieceFinder {
 public:
  using State = uint32_t;
  static constexpr State kStart = 0;

  PieceFinder() : PieceFinder(std::vector<std::pair<std::string_view, int32_t>>()) {}
  /// Pieces and their ids. Of equal pieces the last counts; empty ones are not found.
  explicit PieceFinder(std::vector<std::pair<std::string_view, int32_t>> pieces);

  /// The state after one more byte.
  State step(State state, unsigned char byte) const {
    if (state == kStart) return first_[byte];
    for (;;) {
      const State next = child(state, byte);
      if (next != kStart) return next;
      state = nodes_[state].suffix;
      if (state == kStart) return first_[byte];
    }
  }

  /// Calls found(id, size) for every piece that ends here, the longest first.
  template <class Found>
  void for_each_ending(State state, const Found& found) const {
    if (nodes_[state].id < 0) state = nodes_[state].shorter;
    for (; state != kStart; state = nodes_[state].shorter) {
      found(nodes_[state].id, size_t{nodes_[state].size});
    }
  }

  /// The id of a whole piece; -1 where it is none.
  int32_t find(std::string_view piece) const;
  /// The longest piece that `text` begins with: its id, or -1, and its size.
  std::pair<int32_t, size_t> longest_prefix(std::string_view text) const;

 private:
  struct Node {
    uint32_t children = 0;   // the first; the others follow it, in the order of their bytes
    State suffix = kStart;   // the longest proper suffix that is a node
    State shorter = kStart;  // the longest proper suffix that is a piece
    int32_t id = -1;         // of the piece that ends here
    uint32_t size = 0;       // bytes from the root
    uint32_t count = 0;      // of the children
  };

  State child(State state, unsigned char byte) const {
    const Node& node = nodes_[state];
    const char* labels = labels_.data() + node.children;
    if (node.count > kFew) {
      const void* at = std::memchr(labels, byte, node.count);
      return at ? node.children + static_cast<State>(static_cast<const char*>(at) - labels)
                : kStart;
    }
    for (uint32_t i = 0; i < node.count; ++i) {
      if (static_cast<unsigned char>(labels[i]) == byte) return node.children + i;
    }
    return kStart;
  }
  void build_trie(const std::vector<std::pair<std::string_view, int32_t>>& sorted);
  void link_suffixes();

  static constexpr uint32_t kFew = 8;
  std::vector<Node> nodes_;  // level by level, so that the children of a node stand side by side
  std::string labels_;       // by node: the byte that leads to it
  State first_[256] = {};    // the root's children by byte
};

}  // namespace zoo
