#include "tokenizers/algorithms/piece_finder.h"

#include <algorithm>

namespace zoo {
namespace {

using Piece = std::pair<std::string_view, int32_t>;

}  // namespace

PieceFinder::PieceFinder(std::vector<Piece> pieces) {
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Piece& a, const Piece& b) { return a.first < b.first; });
  build_trie(pieces);
  link_suffixes();
}

void PieceFinder::build_trie(const std::vector<Piece>& sorted) {
  // The pieces below a node are consecutive: the range of each node, in the order of the nodes.
  std::vector<std::pair<size_t, size_t>> ranges = {{0, sorted.size()}};
  nodes_.emplace_back();
  labels_ += '\0';
  for (size_t node = 0; node < nodes_.size(); ++node) {
    auto [at, end] = ranges[node];
    const uint32_t size = nodes_[node].size;
    for (; at < end && sorted[at].first.size() == size; ++at) {
      if (size > 0) nodes_[node].id = sorted[at].second;
    }
    nodes_[node].children = static_cast<uint32_t>(nodes_.size());
    while (at < end) {
      const char label = sorted[at].first[size];
      const size_t begin = at;
      while (at < end && sorted[at].first[size] == label) ++at;
      ranges.emplace_back(begin, at);
      nodes_.emplace_back().size = size + 1;
      labels_ += label;
    }
    nodes_[node].count = static_cast<uint32_t>(nodes_.size()) - nodes_[node].children;
  }
}

void PieceFinder::link_suffixes() {
  for (uint32_t i = 0; i < nodes_[kStart].count; ++i) {
    const State child = nodes_[kStart].children + i;
    first_[static_cast<unsigned char>(labels_[child])] = child;
  }
  for (State node = 0; node < nodes_.size(); ++node) {  // shorter ones first: suffixes are linked
    for (uint32_t i = 0; i < nodes_[node].count; ++i) {
      const State child = nodes_[node].children + i;
      const auto label = static_cast<unsigned char>(labels_[child]);
      const State suffix = node == kStart ? kStart : step(nodes_[node].suffix, label);
      nodes_[child].suffix = suffix;
      nodes_[child].shorter = nodes_[suffix].id >= 0 ? suffix : nodes_[suffix].shorter;
    }
  }
}

int32_t PieceFinder::find(std::string_view piece) const {
  const auto [id, size] = longest_prefix(piece);
  return size == piece.size() ? id : -1;
}

std::pair<int32_t, size_t> PieceFinder::longest_prefix(std::string_view text) const {
  std::pair<int32_t, size_t> best = {-1, 0};
  State node = kStart;
  for (const char byte : text) {
    node = child(node, static_cast<unsigned char>(byte));
    if (node == kStart) break;
    if (nodes_[node].id >= 0) best = {nodes_[node].id, nodes_[node].size};
  }
  return best;
}

}  // namespace zoo
