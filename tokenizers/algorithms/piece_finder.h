// Finds every piece of a vocabulary in a text, in one pass: the automaton of Aho & Corasick 1975
// ("Efficient string matching", CACM 18(6)). It is a trie of the pieces in which each node also
// links to the node of its longest proper suffix in the trie, to continue from when the next byte
// does not match.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoo {

/// Takes n steps for n bytes, plus one for each piece found, whatever its length.
class PieceFinder {
 public:
  using State = uint32_t;
  static constexpr State kStart = 0;

  PieceFinder() : PieceFinder(std::vector<std::pair<std::string_view, int32_t>>()) {}
  /// Pieces and their ids. The last of equal pieces wins; empty pieces are never found.
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

  /// Calls found(id, size) for every piece that ends at this state, the longest first.
  template <class Found>
  void for_each_ending(State state, const Found& found) const {
    if (nodes_[state].id < 0) state = nodes_[state].shorter;
    for (; state != kStart; state = nodes_[state].shorter) {
      found(nodes_[state].id, size_t{nodes_[state].size});
    }
  }

  /// The id of a piece; -1 if there is none.
  int32_t find(std::string_view piece) const;
  /// The id and size of the longest piece that is a prefix of `text`; the id is -1 if there is
  /// none.
  std::pair<int32_t, size_t> longest_prefix(std::string_view text) const;

 private:
  struct Node {
    uint32_t children = 0;   // the first child; the others follow it in byte order
    State suffix = kStart;   // the longest proper suffix that is a node
    State shorter = kStart;  // the longest proper suffix that is a piece
    int32_t id = -1;         // of the piece that ends here; -1: none
    uint32_t size = 0;       // bytes from the root
    uint32_t count = 0;      // number of children
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
  std::vector<Node> nodes_;  // level by level: the children of a node are consecutive
  std::string labels_;       // by node: the byte that leads to it
  State first_[256] = {};    // the root's children by byte
};

}  // namespace zoo
