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
#include "models/attention/kernels/segments.h"
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

// What the queries of a tile see of one segment of keys. Queries are in any order: a layout or
// global tokens may hide all of it from some.
class View {
 public:
  void look_at(const KernelArgs<float>& args, const QueryBlock& of, KeyRange segment) {
    vecs_ = (of.count + kLanes - 1) / kLanes;
    const auto for_each_query = [&](auto seen_by) {
      for (int64_t i = 0; i < kQueries; ++i) {
        const KeyRange seen = seen_by(std::min(i, of.count - 1));
        begin_[i] = static_cast<int32_t>(seen.begin);
        end_[i] = static_cast<int32_t>(seen.end);
      }
    };
    if (!args.has_segments()) {  // of all keys, and bounds never decrease from query to query
      const int64_t position = args.query_position(of.b, of.first);
      for_each_query([&](int64_t i) { return args.keys_at(of.b, position + i); });
      for (int64_t vec = 0; vec < kVecs; ++vec) {
        const int64_t one = vec * kLanes, other = one + kLanes - 1;
        bounds_[vec] = {begin_[one], end_[other], begin_[other], end_[one]};
      }
      tile_ = {begin_[0], end_[kQueries - 1], begin_[kQueries - 1], end_[0]};
      return;
    }
    for_each_query([&](int64_t i) {
      const KeyRange seen = args.visible_keys(of.b, of.h, of.first + i, segment);
      return seen.empty() ? KeyRange{segment.end, segment.begin} : seen;
    });
    for (int64_t vec = 0; vec < kVecs; ++vec) bounds_[vec] = bounds_of(vec * kLanes, kLanes);
    tile_ = bounds(0, kVecs);
  }

  // Calls each(group): first for keys that all queries see, then for the two edges.
  template <class Each>
  HWY_INLINE void for_each_group(const Each& each) const {
    const auto up = [](int64_t s) { return (s + kEdgeKeys - 1) / kEdgeKeys * kEdgeKeys; };
    int64_t begin = tile_.all_begin, end = tile_.all_end;
    if (begin > tile_.begin) begin = up(begin);
    if (end < tile_.end) end = end / kEdgeKeys * kEdgeKeys;
    if (begin >= end) return edge_groups(tile_.begin, tile_.end, each);
    for (int64_t key = begin; key < end; key += kKeys) {
      const int64_t keys = std::min(kKeys, end - key);
      each(Group{key, keys, false, 1, {{key, keys, 0, vecs_, false}}});
    }
    edge_groups(tile_.begin, begin, each);
    edge_groups(end, tile_.end, each);
  }

  // Calls each(piece) for the visible part of a group, cut into runs of keys. Each piece lies in
  // strips, but for rows that clear_margin() clears.
  template <class Each>
  HWY_INLINE void for_each_run(const Group& group, const Each& each) const {
    if (!group.edge) return each(group.strips[0]);
    for (int64_t key = group.key; key < group.key + group.keys; key += kEdgeKeys) {
      const int64_t keys = std::min(kEdgeKeys, group.key + group.keys - key);
      const auto is_hidden = [&](int64_t vec) {
        return bounds_[vec].begin >= key + keys || bounds_[vec].end <= key;
      };
      for (int64_t begin = 0; begin < vecs_;) {
        int64_t end = begin;
        while (end < vecs_ && !is_hidden(end)) ++end;
        if (begin < end) each(Piece{key, keys, begin, end, true});
        begin = end + 1;
      }
    }
  }

  // Sets hidden scores to -inf.
  HWY_INLINE void hide(const Piece& piece, float* scores) const {
    const hn::RebindToSigned<Tag> integers;
    const auto key = hn::Set(integers, static_cast<int32_t>(piece.key));
    const Vec hidden = hn::Set(d, -kInfinity);
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      const Bounds& bounds = bounds_[vec];
      if (bounds.all_begin <= piece.key && bounds.all_end >= piece.key + piece.keys) continue;
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
      // All queries see the keys in between.
      const auto inside = [&](int64_t bound) {
        return std::clamp<int64_t>(bound - piece.key, 0, piece.keys);
      };
      const int64_t low = inside(bounds.all_begin), high = std::max(low, inside(bounds.all_end));
      rows(0, low);
      rows(high, piece.keys);
    }
  }

 private:
  // Some query sees keys from `begin` and before `end`; all see those in [all_begin, all_end).
  struct Bounds {
    int32_t begin, end, all_begin, all_end;

    Bounds with(const Bounds& other) const {
      return {std::min(begin, other.begin), std::max(end, other.end),
              std::max(all_begin, other.all_begin), std::min(all_end, other.all_end)};
    }
  };
  Bounds bounds_of(int64_t first, int64_t count) const {
    Bounds all{begin_[first], end_[first], begin_[first], end_[first]};
    for (int64_t i = first + 1; i < first + count; ++i)
      all = all.with({begin_[i], end_[i], begin_[i], end_[i]});
    return all;
  }
  // Of vectors [from, to).
  Bounds bounds(int64_t from, int64_t to) const {
    Bounds all = bounds_[from];
    for (int64_t vec = from + 1; vec < to; ++vec) all = all.with(bounds_[vec]);
    return all;
  }

  template <class Each>
  HWY_INLINE void edge_groups(int64_t first, int64_t last, const Each& each) const {
    for (int64_t key = first; key < last; key += kKeys) {
      Group group{key, std::min(kKeys, last - key), true, 0, {}};
      for (int64_t vec = 0; vec < vecs_; vec += kStripVecs) {
        const int64_t end_vec = std::min(vec + kStripVecs, vecs_);
        const Bounds strip = bounds(vec, end_vec);
        const int64_t from = std::max<int64_t>(strip.begin, key);
        const int64_t to = std::min<int64_t>(strip.end, key + group.keys);
        if (from < to) group.strips[group.count++] = {from, to - from, vec, end_vec, true};
      }
      if (group.count > 0) each(group);
    }
  }

  int64_t vecs_ = 0;      // that hold queries
  Bounds bounds_[kVecs];  // of each vector
  Bounds tile_;
  alignas(64) int32_t begin_[kQueries], end_[kQueries];
};

}  // namespace zoo::flash::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
