#include "tokenizers/training/bpe_trainer.h"

#include <algorithm>

namespace zoo {

BpeTrainer::BpeTrainer(BpeStart start, Options options)
    : options_(std::move(options)),
      pieces_(std::move(start.pieces)),
      symbols_(std::move(start.ids)),
      words_(std::move(start.words)) {
  for (size_t id = 0; id < pieces_.size(); ++id) ids_[pieces_[id]] = static_cast<uint32_t>(id);
  count_pairs();
}

bool BpeTrainer::Later::operator()(const Candidate& a, const Candidate& b) const {
  if (a.count != b.count) return a.count < b.count;
  if (a.pair != b.pair) return a.pair > b.pair;
  return a.age > b.age;
}

void BpeTrainer::push(Candidate candidate) {
  queue_.push_back(candidate);
  std::push_heap(queue_.begin(), queue_.end(), Later());
}

// Two passes over all words: first how many words contain each pair, then which ones.
void BpeTrainer::count_pairs() {
  PairMap<uint32_t> places;  // 1 + index in new_pairs_
  const auto each_pair = [&](auto f) {
    for (size_t w = 0; w < words_.size(); ++w) {
      const uint32_t* const ids = symbols_.data() + words_[w].begin;
      for (uint32_t i = 0; i + 1 < words_[w].size; ++i) {
        const uint64_t pair = pair_of(ids[i], ids[i + 1]);
        f(pair, places[pair], static_cast<uint32_t>(w));
      }
    }
  };
  std::vector<uint64_t> counts;
  each_pair([&](uint64_t pair, uint32_t& place, uint32_t w) {
    if (place == 0) {
      new_pairs_.push_back({.pair = pair});
      counts.push_back(0);
      place = static_cast<uint32_t>(new_pairs_.size());
    }
    NewPair& seen = new_pairs_[place - 1];
    counts[place - 1] += words_[w].count;
    if (seen.words == 0 || seen.last_word != w) ++seen.words;
    seen.last_word = w;
  });
  for (size_t i = 0; i < new_pairs_.size(); ++i) {
    NewPair& seen = new_pairs_[i];
    counts_[seen.pair] = counts[i];
    seen.list = lists_.allocate(seen.words);
    seen.words = 0;
  }
  each_pair([&](uint64_t, uint32_t place, uint32_t w) {
    NewPair& seen = new_pairs_[place - 1];
    if (seen.words == 0 || seen.list[seen.words - 1] != w) seen.list[seen.words++] = w;
  });
  for (const NewPair& seen : new_pairs_) {
    queue_.push_back({counts_[seen.pair], seen.pair, seen.list, seen.words, age_++});
  }
  std::make_heap(queue_.begin(), queue_.end(), Later());
  new_pairs_ = {};
}

std::optional<BpeMerge> BpeTrainer::next() {
  if (pieces_.size() >= options_.vocab_size) return std::nullopt;
  while (!queue_.empty()) {
    const Candidate best = queue_.front();
    const uint64_t count = counts_[best.pair];
    if (best.count == count && count < std::max<uint64_t>(options_.min_frequency, 1)) break;
    std::pop_heap(queue_.begin(), queue_.end(), Later());
    if (best.count != count) {
      queue_.back().count = count;
      std::push_heap(queue_.begin(), queue_.end(), Later());
      continue;
    }
    queue_.pop_back();
    const BpeMerge merge{left_of(best.pair), right_of(best.pair), make_piece(best.pair), count};
    for (uint32_t i = 0; i < best.size; ++i) merge_word(best.words[i], merge);
    update_counts(merge);
    queue_new_pairs();
    return merge;
  }
  return std::nullopt;
}

uint32_t BpeTrainer::make_piece(uint64_t pair) {
  std::string name = pieces_[right_of(pair)];
  if (name.starts_with(options_.prefix)) name.erase(0, options_.prefix.size());
  name.insert(0, pieces_[left_of(pair)]);
  const auto [known, is_new] = ids_.emplace(name, static_cast<uint32_t>(pieces_.size()));
  if (is_new) pieces_.push_back(std::move(name));
  return known->second;
}

// Each merge changes two neighbouring pairs: x a b y becomes x ab y, so (x, a) and (b, y) each
// occur once less, (x, ab) and (ab, y) once more.
void BpeTrainer::merge_word(uint32_t word, const BpeMerge& merge) {
  before_.by_id.resize(pieces_.size());
  after_.by_id.resize(pieces_.size());
  uint32_t* const ids = symbols_.data() + words_[word].begin;
  const uint32_t size = words_[word].size;
  uint32_t out = 0;
  for (uint32_t i = 0; i < size; ++i) {
    if (ids[i] != merge.left || i + 1 == size || ids[i + 1] != merge.right) {
      ids[out++] = ids[i];
      continue;
    }
    if (out > 0) meet(before_, ids[out - 1], word, pair_of(ids[out - 1], merge.made));
    if (i + 2 < size) meet(after_, ids[i + 2], word, pair_of(merge.made, ids[i + 2]));
    ids[out++] = merge.made;
    ++i;
  }
  words_[word].size = out;
}

void BpeTrainer::meet(Neighbours& side, uint32_t id, uint32_t word, uint64_t pair) {
  Neighbours::Neighbour& neighbour = side.by_id[id];
  if (neighbour.new_pair == Neighbours::kNotSeen) {
    side.seen.push_back(id);
    // Two adjacent copies of the new piece are a single pair, seen from both sides.
    const Neighbours& other = &side == &before_ ? after_ : before_;
    if (left_of(pair) == right_of(pair)) neighbour.new_pair = other.by_id[id].new_pair;
    if (neighbour.new_pair == Neighbours::kNotSeen) {
      neighbour.new_pair = static_cast<uint32_t>(new_pairs_.size());
      new_pairs_.push_back({.pair = pair});
    }
  }
  neighbour.count += words_[word].count;
  NewPair& made = new_pairs_[neighbour.new_pair];
  if (made.words > 0 && made.last_word == word) return;
  ++made.words;
  made.last_word = word;
  places_.emplace_back(neighbour.new_pair, word);
}

void BpeTrainer::update_counts(const BpeMerge& merge) {
  for (const uint32_t id : after_.seen) {
    counts_[pair_of(merge.right, id)] -= after_.by_id[id].count;
    counts_[pair_of(merge.made, id)] += after_.by_id[id].count;
    after_.by_id[id] = {};
  }
  for (const uint32_t id : before_.seen) {
    counts_[pair_of(id, merge.left)] -= before_.by_id[id].count;
    counts_[pair_of(id, merge.made)] += before_.by_id[id].count;
    before_.by_id[id] = {};
  }
  after_.seen.clear();
  before_.seen.clear();
}

void BpeTrainer::queue_new_pairs() {
  for (NewPair& pair : new_pairs_) {
    pair.list = lists_.allocate(pair.words);
    pair.words = 0;
  }
  for (const auto& [place, word] : places_) {
    NewPair& pair = new_pairs_[place];
    pair.list[pair.words++] = word;
  }
  for (const NewPair& pair : new_pairs_) {
    const uint64_t count = counts_[pair.pair];
    if (count > 0) push({count, pair.pair, pair.list, pair.words, age_++});
  }
  new_pairs_.clear();
  places_.clear();
}

std::vector<BpeMerge> ranked(const std::vector<BpeMerge>& merges) {
  PairMap<size_t> last;
  for (size_t i = 0; i < merges.size(); ++i) last[pair_of(merges[i].left, merges[i].right)] = i;
  std::vector<BpeMerge> kept;
  for (size_t i = 0; i < merges.size(); ++i) {
    if (last[pair_of(merges[i].left, merges[i].right)] == i) kept.push_back(merges[i]);
  }
  return kept;
}

std::vector<uint32_t> BpeTrainer::word(size_t i) const {
  const auto begin = symbols_.begin() + static_cast<std::ptrdiff_t>(words_[i].begin);
  return {begin, begin + words_[i].size};
}

}  // namespace zoo
