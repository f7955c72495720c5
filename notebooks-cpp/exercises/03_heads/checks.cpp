// 03: heads as views: which numbers, which strides, and when a copy is unavoidable.
#include <torch/types.h>
#include <torch/utils.h>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_03 {
namespace {

torch::Tensor split(const torch::Tensor& x, int64_t H, const Faults& faults) {
  const int64_t B = x.size(0), T = x.size(1);
  if (faults["split-by-view-alone"]) return x.reshape({B, H, T, -1});
  if (faults["heads-interleaved"]) return x.reshape({B, T, -1, H}).permute({0, 3, 1, 2});
  return x.reshape({B, T, H, -1}).transpose(1, 2);
}

torch::Tensor merge(const torch::Tensor& y, const Faults& faults) {
  const int64_t B = y.size(0), T = y.size(2);
  if (faults["merge-untransposed"]) return y.reshape({B, T, -1});
  if (faults["merge-interleaved"]) return y.permute({0, 2, 3, 1}).reshape({B, T, -1});
  return y.transpose(1, 2).reshape({B, T, -1});
}

std::vector<int64_t> strides_of_heads(const std::vector<int64_t>& of, int64_t width,
                                      const Faults& faults) {
  if (faults["strides-as-if-copied"]) return {of[0], of[0] / of[1] * width, width, 1};
  if (faults["strides-unswapped"]) return {of[0], of[1], width * of[2], of[2]};
  if (faults["last-stride-one"]) return {of[0], width, of[1], 1};
  return {of[0], width * of[2], of[1], of[2]};
}

bool needs_copy(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides,
                const Faults& faults) {
  const std::vector<int64_t> contiguous = {sizes[1] * sizes[2] * sizes[3], sizes[2] * sizes[3],
                                           sizes[3], 1};
  if (faults["copy-unless-contiguous"]) return strides != contiguous;
  if (faults["copy-if-contiguous"]) return strides == contiguous;
  if (sizes[1] == 1 && !faults["one-head-copied"]) return false;
  return strides[1] != sizes[3] * strides[3];
}

/// The functions that end in _memory also say whether the result shares its argument's memory.
Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "split_heads") return split(probe.tensor(0), probe.integer(1), faults);
  if (probe.function == "split_heads_memory")
    return c10::ivalue::Tuple::create(
        {split(probe.tensor(0), probe.integer(1), faults), !faults["split-copies"]});
  if (probe.function == "merge_heads") return merge(probe.tensor(0), faults);
  if (probe.function == "merge_heads_memory") {
    const bool in_place = probe.flag(1) && !(faults["merge-copies"] && probe.flag(2));
    return c10::ivalue::Tuple::create({merge(probe.tensor(0).transpose(1, 2), faults), in_place});
  }
  if (probe.function == "head_strides")
    return strides_of_heads(probe.arguments.at(0).toIntVector(), probe.integer(1), faults);
  return needs_copy(probe.arguments.at(0).toIntVector(), probe.arguments.at(1).toIntVector(),
                    faults);
}

/// x[b, t, 10 h + d] = 1000 b + 100 t + 10 h + d, so that each number says where it comes from.
torch::Tensor labelled(int64_t B, int64_t T, int64_t H, int64_t Dh) {
  const auto axis = [](int64_t size, double step) { return torch::arange(size) * step; };
  return (axis(B, 1000).view({-1, 1, 1, 1}) + axis(T, 100).view({-1, 1, 1}) +
          axis(H, 10).view({-1, 1}) + axis(Dh, 1))
      .reshape({B, T, H * Dh})
      .to(torch::kFloat);
}

std::string first_token(const Probe&, const Value& answer) {
  const auto tensor =
      answer.isTuple() ? answer.toTupleRef().elements().at(0).toTensor() : answer.toTensor();
  const auto numbers = tensor.select(0, 0).reshape({-1, tensor.size(-1)});  // rows
  const auto row = numbers[std::min<int64_t>(1, numbers.size(0) - 1)];
  std::string text = "a row of yours holds (";
  for (int64_t n = 0; n < row.size(0); ++n)
    text += (n ? ", " : "") + describe_number(row[n].item<double>());
  return text + ")";
}

Exercise make() {
  using Sizes = std::vector<int64_t>;
  torch::manual_seed(3);
  const auto x = labelled(2, 5, 3, 4);               // [2, 5, 12]
  const auto wide = torch::randn({2, 5, 18});        // three projections of 6 channels
  const auto keys = wide.narrow(-1, 6, 6);           // [2, 5, 6], rows 18 apart
  const auto turned = torch::randn({2, 6, 5}).mT();  // [2, 5, 6], channels 5 apart
  const auto heads = labelled(2, 5, 3, 4).view({2, 5, 3, 4}).transpose(1, 2).contiguous();
  return {
      .name = "03_heads",
      .reference = reference,
      .faults = {{"split-by-view-alone", first_token},
                 {"heads-interleaved", first_token},
                 {"merge-untransposed", first_token},
                 {"merge-interleaved", first_token},
                 {"split-copies", {}, true},
                 {"merge-copies", {}, true},
                 {"strides-as-if-copied", {}, true},
                 {"strides-unswapped", {}, true},
                 {"last-stride-one", {}, true},
                 {"copy-unless-contiguous", {}, true},
                 {"copy-if-contiguous", {}, true},
                 {"one-head-copied", {}, true}},
      .checks = {
          {"03.1",
           Kind::kValues,
           2,
           "each head gets its channels",
           {{"split_heads", "x = 1000 b + 100 t + 10 h + d, 3 heads of 4", {x, 3}},
            {"split_heads", "2 sequences of 5 tokens, 2 heads of 3", {keys, 2}}}},
          {"03.1",
           Kind::kOddSizes,
           1,
           "no copy, whatever the strides of x",
           {{"split_heads_memory", "a slice of a wider tensor", {keys, 3}},
            {"split_heads_memory", "channels 5 numbers apart", {turned, 2}},
            {"split_heads_memory", "heads of width 1", {keys, 6}}}},
          {"03.1",
           Kind::kGradients,
           1,
           "gradients go back to their channels",
           {{"split_heads", "x = 1000 b + 100 t + 10 h + d, 3 heads of 4", {x, 3}}}},
          {"03.2",
           Kind::kValues,
           2,
           "heads side by side again",
           {{"merge_heads", "y = 1000 b + 100 t + 10 h + d, 3 heads of 4", {heads}},
            {"merge_heads", "2 heads of 3, one token", {torch::randn({2, 2, 1, 3})}},
            {"merge_heads", "one head", {torch::randn({2, 1, 5, 3})}}}},
          {"03.2",
           Kind::kOddSizes,
           1,
           "a copy only where no view exists",
           {{"merge_heads_memory", "what split_heads gave", {x.view({2, 5, 3, 4}), true, false}},
            {"merge_heads_memory",
             "split from a slice of a wider tensor",
             {keys.unflatten(-1, {3, 2}), true, true}},
            {"merge_heads_memory",
             "a contiguous [2, 3, 5, 4]",
             {heads.transpose(1, 2), false, false}}}},
          {"03.3",
           Kind::kValues,
           1,
           "strides of a contiguous x",
           {{"head_strides", "strides of [2, 5, 12], heads of 4", {Sizes{60, 12, 1}, 4}},
            {"head_strides", "strides of [3, 7, 6], heads of 2", {Sizes{42, 6, 1}, 2}}}},
          {"03.3",
           Kind::kOddSizes,
           1,
           "strides of other x",
           {{"head_strides", "rows 18 apart, heads of 2", {Sizes{90, 18, 1}, 2}},
            {"head_strides", "channels 5 apart, heads of 3", {Sizes{30, 1, 5}, 3}}}},
          {"03.4",
           Kind::kValues,
           1,
           "whether merging copies",
           {{"merge_needs_copy", "what split_heads gave", {Sizes{2, 3, 5, 4}, Sizes{60, 4, 12, 1}}},
            {"merge_needs_copy", "contiguous", {Sizes{2, 3, 5, 4}, Sizes{60, 20, 4, 1}}},
            {"merge_needs_copy", "split from a slice", {Sizes{2, 3, 5, 2}, Sizes{90, 2, 18, 1}}},
            {"merge_needs_copy", "channels 5 apart", {Sizes{2, 2, 5, 3}, Sizes{30, 15, 1, 5}}},
            {"merge_needs_copy",
             "channels 5 apart, heads elsewhere",
             {Sizes{2, 2, 5, 3}, Sizes{60, 3, 1, 5}}},
            {"merge_needs_copy",
             "the first of 4 heads",
             {Sizes{2, 1, 5, 3}, Sizes{60, 15, 3, 1}}}}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_03
