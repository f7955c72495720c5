#include "tokenizers/algorithms/unigram_lattice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>

#include "base/random.h"

namespace zoo {
namespace {

using Arc = UnigramLattice::Arc;

/// The k best paths to every node, each computed on demand. The k-th path to a node is the next
/// best candidate; the candidates are, for each arc that ends there, the best unused path to the
/// arc's start.
class KBest {
 public:
  KBest(const std::vector<Arc>& arcs, const std::vector<uint32_t>& first)
      : arcs_(arcs), first_(first), places_(first.size() - 1) {
    places_[0].paths.push_back({});
    for (uint32_t i = 0; i < arcs.size(); ++i) {
      std::vector<Last>& paths = places_[arcs[i].end].paths;
      const double score = places_[arcs[i].begin].paths[0].score + arcs[i].score;
      if (paths.empty()) {
        paths.push_back({score, i, 0});
      } else if (score > paths[0].score) {
        paths[0] = {score, i, 0};
      }
    }
  }

  /// Whether the path with this rank exists; must be called in ascending order of ranks.
  bool find(size_t rank) {
    if (places_.back().paths.size() <= rank) extend(places_.size() - 1);
    return places_.back().paths.size() > rank;
  }

  UnigramLattice::Path path(size_t rank) const {
    UnigramLattice::Path path;
    size_t at = places_.size() - 1;
    path.score = places_[at].paths[rank].score;
    while (at > 0) {
      const Last& last = places_[at].paths[rank];
      path.arcs.push_back(arcs_[last.arc]);
      at = arcs_[last.arc].begin;
      rank = last.rank;
    }
    std::reverse(path.arcs.begin(), path.arcs.end());
    return path;
  }

 private:
  /// A path, given by its last arc and the rank of the path before that arc.
  struct Last {
    double score = 0;
    uint32_t arc = 0, rank = 0;
    bool operator<(const Last& o) const {  // true if worse
      return score != o.score ? score < o.score : arc != o.arc ? arc > o.arc : rank > o.rank;
    }
  };
  struct Place {
    std::vector<Last> paths;         // paths found so far
    std::priority_queue<Last> open;  // one candidate per arc
    bool opened = false, complete = false;
  };

  /// Finds the next path to a node. That can require the next path to an earlier node, and so on.
  /// The chain of nodes is kept in a vector instead of recursing, because texts are long.
  void extend(size_t end) {
    std::vector<size_t> row;
    for (size_t at = end; at != 0 && !places_[at].complete; at = before(at)) {
      row.push_back(at);
      if (has_next(at)) break;
    }
    for (; !row.empty(); row.pop_back()) find_next(row.back());
  }

  const Last& last(size_t at) const { return places_[at].paths.back(); }
  size_t before(size_t at) const { return arcs_[last(at).arc].begin; }
  /// Whether the prefix that follows in rank that of the last path is already known.
  bool has_next(size_t at) const { return places_[before(at)].paths.size() > last(at).rank + 1; }

  void find_next(size_t at) {
    Place& place = places_[at];
    if (!place.opened) {
      place.opened = true;
      for (uint32_t i = first_[at]; i < first_[at + 1]; ++i) {
        if (i != last(at).arc) place.open.push({score(i, 0), i, 0});
      }
    }
    if (has_next(at)) {
      const uint32_t arc = last(at).arc, rank = last(at).rank + 1;
      place.open.push({score(arc, rank), arc, rank});
    }
    place.complete = place.open.empty();
    if (place.complete) return;
    place.paths.push_back(place.open.top());
    place.open.pop();
  }

  double score(uint32_t arc, uint32_t rank) const {
    return places_[arcs_[arc].begin].paths[rank].score + arcs_[arc].score;
  }

  const std::vector<Arc>& arcs_;
  const std::vector<uint32_t>& first_;
  std::vector<Place> places_;
};

}  // namespace

UnigramLattice::UnigramLattice(size_t size, std::vector<Arc> arcs)
    : arcs_(std::move(arcs)), first_(size + 2) {
  for (const Arc& arc : arcs_) ++first_[arc.end + 1];
  for (size_t end = 1; end < first_.size(); ++end) first_[end] += first_[end - 1];
}

std::vector<UnigramLattice::Path> UnigramLattice::nbest(size_t n) const {
  std::vector<Path> found;
  KBest search(arcs_, first_);
  for (size_t rank = 0; rank < n && search.find(rank); ++rank) found.push_back(search.path(rank));
  return found;
}

std::vector<Arc> UnigramLattice::sample(double alpha, std::mt19937_64& random) const {
  // total[e]: log of the sum of P(X)^alpha over all paths X to e.
  std::vector<double> total(size() + 1, -std::numeric_limits<double>::infinity());
  total[0] = 0;
  const auto weight = [&](const Arc& arc) { return total[arc.begin] + alpha * arc.score; };
  for (size_t end = 1; end <= size(); ++end) {
    if (first_[end] == first_[end + 1]) continue;
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (uint32_t i = first_[end]; i < first_[end + 1]; ++i) {
      largest = std::max(largest, weight(arcs_[i]));
    }
    for (uint32_t i = first_[end]; i < first_[end + 1]; ++i) {
      sum += std::exp(weight(arcs_[i]) - largest);
    }
    total[end] = largest + std::log(sum);
  }
  std::vector<Arc> path;
  for (size_t end = size(); end > 0; end = path.back().begin) {
    double rest = uniform(random);
    uint32_t chosen = first_[end];
    for (; chosen + 1 < first_[end + 1]; ++chosen) {
      rest -= std::exp(weight(arcs_[chosen]) - total[end]);
      if (rest < 0) break;
    }
    path.push_back(arcs_[chosen]);
  }
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace zoo
