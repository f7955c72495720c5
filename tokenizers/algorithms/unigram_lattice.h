// All splits of a text into pieces as a graph: nodes are positions between characters, arcs are
// pieces. Kudo 2018 (arXiv:1804.10959), section 3: the n best splits, and random splits, so that a
// model sees different splits of the same word (subword regularisation).
#pragma once
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace zoo {

class UnigramLattice {
 public:
  struct Arc {
    uint32_t begin = 0, end = 0;
    int32_t id = 0;
    double score = 0;  ///< log probability
  };
  struct Path {
    std::vector<Arc> arcs;  ///< first to last
    double score = 0;       ///< sum of the arcs' scores
  };

  /// For a text of `size` bytes. Arcs are sorted by their ends; each begins at 0 or where another
  /// ends.
  UnigramLattice(size_t size, std::vector<Arc> arcs);

  /// At most n paths, the most probable first: the algorithm of Jiménez & Marzal 1999, "Computing
  /// the K shortest paths". Among equal paths, the one whose last arc was added first comes first.
  /// Time and memory grow with n times the path length.
  std::vector<Path> nbest(size_t n) const;

  /// Samples a path X with probability proportional to P(X)^alpha: forward filtering, then backward
  /// sampling. With alpha 0 all paths are equally likely; a larger alpha favours the best paths.
  std::vector<Arc> sample(double alpha, std::mt19937_64& random) const;

 private:
  size_t size() const { return first_.size() - 2; }
  std::vector<Arc> arcs_;
  std::vector<uint32_t> first_;  // arcs that end at byte e: first_[e] to first_[e + 1]
};

}  // namespace zoo
