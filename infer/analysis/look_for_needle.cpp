// Depth against length, for the model as it was trained and, where asked, as it is to read.
#include <fmt/format.h>

#include "infer/analysis/look_inside.h"
#include "infer/analysis/needle.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"

namespace zoo {
namespace {

using nlohmann::json;

LookTable needle_table(const std::string& name, const std::string& what, const NeedleTest& test,
                       const torch::Tensor& accuracy) {
  LookTable table{.name = name,
                  .title = fmt::format("{}: share of needles found, dark where none is", what),
                  .row_axis = "depth of the needle",
                  .column_axis = "length of the text",
                  .rows = needle_depths(test),
                  .values = accuracy};
  for (const int64_t length : test.lengths) table.columns.push_back(fmt::format("{}", length));
  for (int64_t d = 0; d < accuracy.size(0); ++d) {
    auto& cells = table.cells.emplace_back();
    for (int64_t n = 0; n < accuracy.size(1); ++n)
      cells.push_back(fmt::format("{:.2f}", accuracy[d][n].item<double>()));
  }
  return table;
}

/// What LengthOptions change besides the length.
bool reads_otherwise(const LengthOptions& lengths) {
  return lengths != LengthOptions{.context = lengths.context};
}

}  // namespace

LookResult look_for_needle(const std::filesystem::path& folder, const LoadModelOptions& load,
                           const Tokenizer& tokenizer, const LengthOptions& lengths,
                           uint64_t seed) {
  Gpt trained = load_gpt(folder, load, {.context = lengths.context});
  const NeedleTest test{.lengths = needle_lengths(*trained, tokenizer), .seed = seed};
  const auto found = needle_accuracy(*trained, tokenizer, test);
  LookResult result{.name = "needle",
                    .title = "A needle in a haystack",
                    .tables = {needle_table("needle", "As trained", test, found)},
                    .json = {{"seed", seed},
                             {"lengths", test.lengths},
                             {"depths", needle_depths(test)},
                             {"found", matrix_json(found)}}};
  result.answer =
      fmt::format("Of the digits among {} to {} letters the model finds {:.1f} %.",
                  test.lengths.front(), test.lengths.back(), 100 * found.mean().item<double>());
  if (!reads_otherwise(lengths)) return result;
  Gpt changed = load_gpt(folder, load, lengths);
  const auto then = needle_accuracy(*changed, tokenizer, test);
  result.tables.push_back(needle_table("needle_changed", "With the options given", test, then));
  result.json["found_with_options"] = matrix_json(then);
  result.answer +=
      fmt::format(" With the options given it finds {:.1f} %.", 100 * then.mean().item<double>());
  return result;
}

}  // namespace zoo
