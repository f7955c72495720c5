// Which ids added tokens get, and what is known of each: a token that the model's vocabulary has
// keeps that id; others count on from the number of its pieces, in the order of adding, whatever id
// a file gives them. (added_vocabulary.h does the same for the tokens of one tokenizer.json.)
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/added_tokens.h"

namespace zoo {

class AddedIds {
 public:
  using Find = std::function<std::optional<int32_t>(std::string_view)>;
  /// in_model: ids of the model's vocabulary, which has `size` pieces.
  AddedIds(Find in_model, int32_t size) : in_model_(std::move(in_model)), next_(size) {}

  /// Adding a text again changes how it is found. What was special once stays so.
  void add(AddedToken token);
  std::optional<int32_t> id_of(std::string_view text) const;
  bool has(std::string_view text) const { return ids_.find(text) != ids_.end(); }
  /// By id.
  std::vector<AddedToken> tokens() const;

 private:
  Find in_model_;
  int32_t next_;
  std::map<std::string, int32_t, std::less<>> ids_;
  std::map<int32_t, AddedToken> by_id_;
  std::set<std::string> special_;
};

}  // namespace zoo
