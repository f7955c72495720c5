// Fourth stage: what stands around one text or two, such as [CLS] A [SEP] B [SEP].
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
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
  /// Nothing around the texts; B is segment 1.
  PostTemplate();
  /// before A after; for two texts before A after B after, the second with segment 1.
  PostTemplate(std::vector<int32_t> before, std::vector<int32_t> after);
  PostTemplate(std::vector<Part> single, std::vector<Part> pair);

  /// How many ids it adds to one text, or to two.
  size_t added(bool is_pair) const;
  /// The same places for texts and the same segments, without ids.
  PostTemplate without_ids() const;
  /// One text. Details are filled where `a` has offsets and words.
  Encoding apply(Encoding a) const;
  Encoding apply(Encoding a, Encoding b) const;

  const std::vector<Part>& single() const { return single_; }
  const std::vector<Part>& pair() const { return pair_; }

 private:
  std::vector<Part> single_, pair_;
};

/// From a tokenizer.json's "post_processor": TemplateProcessing, BertProcessing,
/// RobertaProcessing, ByteLevel or a Sequence of those; null gives one without ids. Throws
/// std::runtime_error for others, and lists the known.
PostTemplate read_post_template(const nlohmann::json& post_processor);

/// Whether spaces at the ends of an id's text are left out of its offsets (GPT-2's family), and
/// whether the first of them is then taken for one that the tokenizer added.
struct OffsetTrimming {
  bool on = false;
  bool prefix_space = false;
};
OffsetTrimming read_offset_trimming(const nlohmann::json& post_processor);

/// The "post_processor" of a template; null for one without ids.
nlohmann::ordered_json post_template_to_json(const PostTemplate& post, const Tokenizer& tokenizer);

}  // namespace zoo
