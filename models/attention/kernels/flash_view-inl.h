// The keys that the queries of a tile see, cut into pieces for one product each.
#if defined(ZOO_FLASH_VIEW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ZOO_FLASH_VIEW_INL_H
#undef ZOO_FLASH_VIEW_INL_H
#else
#define ZOO_FLASH_VIEW_INL_H
#endif

#include <algorithm>
#include <limits>

#include "models/attention/kernels/flash_tiles.h"
#include "models/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zoo::flash::HWY_NAMESPACE {
using namespace vectors::HWY_NAMESPACE;

constexpr int64_t kVecs = kQueries / kLanes;  // vectors in a row of a tile

constexpr int64_t kKeys = 64;  // keys in a tile of scores
// A tile at the edge of the visible keys is cut: into strips of vectors for sums over keys, and
// into runs of keys for sums over queries.
constexpr int64_t kStripVecs = 2, kStrips = kVecs / kStripVecs;
constexpr int64_t kEdgeKeys = 16;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// `keys` keys from `key` on against vectors [begin, end) of the tile. With `edge`, some of these
// queries do not see some of these keys.
struct Piece {
  int64_t key, keys, begin, end;
  bool edge;
};

// The visible part of one tile of scores, whose row 0 is `key`: strips with disjoint vectors.
struct Group {
  int64_t key, keys;
  bool edge;
  int64_t count;
  Piece strips[kStrips];

  // The first score of a piece in a tile.
  template <class Score>
  HWY_INLINE Score* scores_of(const Piece& piece, Score* tile) const {
    return tile + (piece.key - key) * kQueries;
  }
};

class View {
 public:
  View(const KernelArgs<float>& args, int64_t b, int64_t first_query, int64_t queries)
      : vecs_((queries + kLanes - 1) / kLanes) {
    for (int64_t i = 0; i < kQueries; ++i) {
      const KeyRange range = args.visible_keys(b, first_query + std::min(i, queries - 1));
      begin_[i] = static_cast<int32_t>(range.begin);
      end_[i] = static_cast<int32_t>(range.end);
    }
  }

  // Calls each(group): first for keys that all queries see, then for the two edges.
  template <class Each>
  HWY_INLINE void for_each_group(const Each& each) const {
    const int64_t first = begin_[0], last = end_[kQueries - 1];
    const auto up = [](int64_t s) { return (s + kEdgeKeys - 1) / kEdgeKeys * kEdgeKeys; };
    int64_t begin = begin_[kQueries - 1], end = end_[0];
    if (begin > first) begin = up(begin);
    if (end < last) end = end / kEdgeKeys * kEdgeKeys;
    if (begin >= end) return edge_groups(first, last, each);
    for (int64_t key = begin; key < end; key += kKeys) {
      const int64_t keys = std::min(kKeys, end - key);
      each(Group{key, keys, false, 1, {{key, keys, 0, vecs_, false}}});
    }
    edge_groups(first, begin, each);
    edge_groups(end, last, each);
  }

  // Calls each(piece) for the visible part of a group, cut into runs of keys.
  template <class Each>
  HWY_INLINE void for_each_run(const Group& group, const Each& each) const {
    if (!group.edge) return each(group.strips[0]);
    for (int64_t key = group.key; key < group.key + group.keys; key += kEdgeKeys) {
      const int64_t keys = std::min(kEdgeKeys, group.key + group.keys - key);
      const auto is_hidden = [&](int64_t vec) {
        const int64_t one = vec * kLanes, other = one + kLanes - 1;
        return begin_[one] >= key + keys || end_[other] <= key;
      };
      int64_t begin = 0, end = vecs_;
      while (begin < end && is_hidden(begin)) ++begin;
      while (begin < end && is_hidden(end - 1)) --end;
      if (begin < end) each(Piece{key, keys, begin, end, true});
    }
  }

  // Sets hidden scores to -inf.
  HWY_INLINE void hide(const Piece& piece, float* scores) const {
    const hn::RebindToSigned<Tag> integers;
    const auto key = hn::Set(integers, static_cast<int32_t>(piece.key));
    const Vec hidden = hn::Set(d, -kInfinity);
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      const int64_t one = vec * kLanes, other = one + kLanes - 1;
      if (begin_[other] <= piece.key && end_[one] >= piece.key + piece.keys) continue;
      const auto from = [&](const int32_t* bound) HWY_ATTR {
        return hn::ConvertTo(d, hn::Sub(hn::LoadU(integers, bound + vec * kLanes), key));
      };
      const Vec begin = from(begin_), end = from(end_);
      const auto rows = [&](int64_t first, int64_t last) HWY_ATTR {
        for (int64_t row = first; row < last; ++row) {
          const Vec index = hn::Set(d, static_cast<float>(row));
          float* const at = scores + row * kQueries + vec * kLanes;
          const auto visible = hn::And(hn::Ge(index, begin), hn::Lt(index, end));
          hn::StoreU(hn::IfThenElse(visible, hn::LoadU(d, at), hidden), d, at);
        }
      };
      // All queries see the keys between the last query's first key and the first query's last.
      const auto inside = [&](int64_t bound) {
        return std::clamp<int64_t>(bound - piece.key, 0, piece.keys);
      };
      const int64_t low = inside(begin_[other]), high = std::max(low, inside(end_[one]));
      rows(0, low);
      rows(high, piece.keys);
    }
  }

 private:
  template <class Each>
  HWY_INLINE void edge_groups(int64_t first, int64_t last, const Each& each) const {
    for (int64_t key = first; key < last; key += kKeys) {
      Group group{key, std::min(kKeys, last - key), true, 0, {}};
      for (int64_t vec = 0; vec < vecs_; vec += kStripVecs) {
        const int64_t end_vec = std::min(vec + kStripVecs, vecs_);
        const int64_t from = std::max<int64_t>(begin_[vec * kLanes], key);
        const int64_t to = std::min<int64_t>(end_[end_vec * kLanes - 1], key + group.keys);
        if (from < to) group.strips[group.count++] = {from, to - from, vec, end_vec, true};
      }
      if (group.count > 0) each(group);
    }
  }

  int64_t vecs_;  // that hold queries
  alignas(64) int32_t begin_[kQueries], end_[kQueries];
};

}  // namespace zoo::flash::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
