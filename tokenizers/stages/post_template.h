// Fourth stage: what stands around one text or two, such as [CLS] A [SEP] B [SEP].
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "tokenizers/tokenizer.h"

namespace zoo {

class PostTemplate {
 public:
  /// An id, or the place of a text.
  struct Part {
    enum class Kind { kId, kA, kB };
    Kind kind = Kind::kA;
    int32_t id = 0;
    int32_t type_id = 0;
  };
  using Parts = std::vector<Part>;
  /// Around one text, and around two; nothing where the template cannot take so many.
  struct Forms {
    std::optional<Parts> single, pair;
  };
  /// Nothing around the texts; B is segment 1.
  PostTemplate();
  /// before A after; for two texts before A after B after, the second with segment 1.
  PostTemplate(std::vector<int32_t> before, std::vector<int32_t> after);
  PostTemplate(Parts single, Parts pair);
  PostTemplate(Forms whole, Forms without_ids);

  // Where the template cannot take so many texts, the rest throws std::runtime_error.

  /// How many ids it adds to one text, or to two.
  size_t added(bool is_pair) const;
  /// The places and segments of the texts when no ids are asked for.
  PostTemplate without_ids() const { return {bare_, bare_}; }
  /// One text. Details are filled where `a` has offsets and words.
  Encoding apply(const Encoding& a) const;
  Encoding apply(const Encoding& a, const Encoding& b) const;

  const Parts& single() const;
  const Parts& pair() const;

 private:
  Forms whole_, bare_;
};

/// From a tokenizer.json's "post_processor": TemplateProcessing, BertProcessing,
/// RobertaProcessing, ByteLevel or a Sequence of those, each of which takes what the one before
/// made; null gives one without ids. Throws std::runtime_error for others, and lists the known.
PostTemplate read_post_template(const nlohmann::json& post_processor);

/// Leaves spaces at the ends of an id's piece out of its offsets (GPT-2's family).
struct OffsetTrimming {
  bool prefix_space = false;  ///< the first of them is taken for one that the tokenizer added
};
/// One for each stage that trims.
std::vector<OffsetTrimming> read_offset_trimming(const nlohmann::json& post_processor);

/// The "post_processor" of a template; null for one without ids.
nlohmann::ordered_json post_template_to_json(const PostTemplate& post, const Tokenizer& tokenizer);

}  // namespace zoo
