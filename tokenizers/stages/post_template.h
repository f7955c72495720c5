// Fifth stage: the ids around one text or two, such as [CLS] A [SEP] B [SEP].
#pragma once
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tokenizers/stages/encoding.h"

namespace zoo {

class PostTemplate {
 public:
  /// An id, or one of the texts.
  struct Part {
    enum class Kind { kId, kA, kB };
    Kind kind = Kind::kA;
    int32_t id = 0;
    int32_t type_id = 0;
  };
  using Parts = std::vector<Part>;
  /// For one text and for two; nullopt if the template does not accept that many.
  struct Forms {
    std::optional<Parts> single, pair;
  };
  /// No ids; B is segment 1.
  PostTemplate();
  /// before A after; for two texts before A after B after, the second with segment 1.
  PostTemplate(std::vector<int32_t> before, std::vector<int32_t> after);
  PostTemplate(Parts single, Parts pair);
  PostTemplate(Forms whole, Forms without_ids);

  // The functions below throw std::runtime_error if the template does not accept that many texts.

  /// The number of ids that it adds to one text, or to two.
  size_t added(bool is_pair) const;
  /// The order and segments of the texts without added ids.
  PostTemplate without_ids() const { return {bare_, bare_}; }
  /// One text. The result has details if `a` has offsets and words.
  Encoding apply(const Encoding& a) const;
  Encoding apply(const Encoding& a, const Encoding& b) const;

  const Parts& single() const;
  const Parts& pair() const;

 private:
  Forms whole_, bare_;
};

/// From a tokenizer.json's "post_processor": TemplateProcessing, BertProcessing,
/// RobertaProcessing, ByteLevel or a Sequence of those, each applied to the result of the previous
/// one; null gives a template without ids. Throws std::runtime_error for others, with a list of
/// these.
PostTemplate read_post_template(const nlohmann::json& post_processor);

/// Excludes spaces at the ends of a piece from its offsets (GPT-2 and related tokenizers).
struct OffsetTrimming {
  bool prefix_space = false;  ///< a text's first space counts as added by the tokenizer
};
/// One for each processor that trims.
std::vector<OffsetTrimming> read_offset_trimming(const nlohmann::json& post_processor);

/// The "post_processor" of a template; null for one without ids. piece_of names an id.
nlohmann::ordered_json post_template_to_json(
    const PostTemplate& post, const std::function<std::string(int32_t id)>& piece_of);

}  // namespace zoo
