// The template around a tokenizer's ids, and its fingerprint.
#include "tokenizers/core/tokenizer.h"

#include <utility>

#include "tokenizers/stages/post_template.h"

namespace zoo {
namespace {

class Fnv1a {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) hash_ = (hash_ ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  }
  void add(uint64_t number) {  // little-endian on every machine
    for (int i = 0; i < 8; ++i) hash_ = (hash_ ^ (number >> (8 * i) & 0xFF)) * 0x100000001B3u;
  }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xCBF29CE484222325u;
};

/// The template fills in details of its own ids even where the texts have none.
void drop_details(Encoding& encoding) {
  encoding.offsets.clear();
  encoding.type_ids.clear();
  encoding.words.clear();
}

}  // namespace

Encoding finish_encoding(const Tokenizer& tokenizer, Encoding bare, const EncodeOptions& options) {
  if (!options.add_special && !options.details) return bare;
  const PostTemplate& post = tokenizer.post_template();
  Encoding whole =
      options.add_special ? post.apply(std::move(bare)) : post.without_ids().apply(std::move(bare));
  if (!options.details) drop_details(whole);
  return whole;
}

Encoding encode_pair(const Tokenizer& tokenizer, std::string_view a, std::string_view b,
                     EncodeOptions options) {
  const PostTemplate post =
      options.add_special ? tokenizer.post_template() : tokenizer.post_template().without_ids();
  options.add_special = false;
  Encoding whole = post.apply(tokenizer.encode(a, options), tokenizer.encode(b, options));
  if (!options.details) drop_details(whole);
  return whole;
}

uint64_t fingerprint(const Tokenizer& tokenizer) {
  Fnv1a hash;
  const auto add_role = [&](std::optional<int32_t> id) {
    hash.add(id ? static_cast<uint64_t>(*id) : ~uint64_t{0});
  };
  const std::string kind = tokenizer.kind();
  hash.add(uint64_t{kind.size()});
  hash.add(kind);
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const std::string piece = tokenizer.piece_of(id);
    hash.add(uint64_t{piece.size()});  // "ab" + "c" differs from "a" + "bc"
    hash.add(piece);
    hash.add(uint64_t{tokenizer.is_special(id)});
  }
  add_role(tokenizer.bos_id());
  add_role(tokenizer.eos_id());
  add_role(tokenizer.pad_id());
  add_role(tokenizer.unk_id());
  return hash.value();
}

}  // namespace zoo
