// All splits of a text into pieces at once: a graph whose places are the gaps between characters
// and whose arcs are pieces. Kudo 2018 (arXiv:1804.10959), section 3: the n best splits, and splits
// drawn at random, so that a model sees a word cut now one way, now another (subword
// regularisation).
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
    double score = 0;       ///< the sum of theirs
  };

  /// Of a text of so many bytes. Arcs come in the order of their ends, and begin where others end,
  /// or at 0.
  UnigramLattice(size_t size, std::vector<Arc> arcs);

  /// At most n paths, the most probable first: the algorithm of Jiménez & Marzal 1999, "Computing
  /// the K shortest paths". Of equal ones the one whose last arc was added first comes first. Time
  /// and memory grow with n times the length of a path.
  std::vector<Path> nbest(size_t n) const;

  /// A path X with a probability in proportion to P(X)^alpha: forward filtering, then sampling from
  /// the end to the beginning. alpha 0: all paths alike; the larger, the nearer to the best.
  std::vector<Arc> sample(double alpha, std::mt19937_64& random) const;

 private:
  size_t size() const { return first_.size() - 2; }
  std::vector<Arc> arcs_;
  std::vector<uint32_t> first_;  // arcs that end at byte e: first_[e] to first_[e + 1]
};

}  // namespace zoo
