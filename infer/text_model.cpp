#include "infer/text_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace zoo {

void check_token_rows(std::span<const int32_t> ids, int64_t rows, const Tokenizer& tokenizer,
                      std::string_view what) {
  const auto beyond = std::ranges::find_if(ids, [&](int32_t id) { return id >= rows; });
  if (beyond == ids.end()) return;
  const bool has_piece = *beyond < tokenizer.vocab_size();
  throw std::runtime_error(fmt::format(
      "{}: id {}{} of the tokenizer ({} ids) is beyond the {} rows of the model's "
      "embedding; they do not belong "
      "together, or the model was saved before tokens were added",
      what, *beyond, has_piece ? fmt::format(" ('{}')", tokenizer.piece_of(*beyond)) : "",
      tokenizer.vocab_size(), rows));
}

}  // namespace zoo
