// Position tables for rows and columns, and rotation angles for both.
#include "models/positions/grid.h"

#include <ATen/ops/upsample_bicubic2d.h>
#include <c10/util/Exception.h>

#include "models/positions/rotary.h"
#include "models/positions/sinusoidal.h"

namespace zoo {
namespace {

torch::Tensor rows_of(Grid grid) {  // [P]: 0 0 0 1 1 1
  return torch::arange(grid.rows, torch::kLong).repeat_interleave(grid.columns);
}
torch::Tensor columns_of(Grid grid) {  // [P]: 0 1 2 0 1 2
  return torch::arange(grid.columns, torch::kLong).repeat({grid.rows});
}

/// rows [R, C], columns [R', C] -> [prefix + R R', C]: their sums, preceded by zeros for the prefix
torch::Tensor sum_over_grid(const torch::Tensor& rows, const torch::Tensor& columns,
                            int64_t prefix) {
  const auto sums = (rows.unsqueeze(1) + columns.unsqueeze(0)).flatten(0, 1);  // [P, C]
  return torch::cat({sums.new_zeros({prefix, sums.size(1)}), sums});
}

}  // namespace

std::shared_ptr<GridPosition> make_grid_position(GridPositionKind kind, Grid trained,
                                                 int64_t prefix, int64_t d_model,
                                                 int64_t head_width) {
  switch (kind) {
    case GridPositionKind::kNone:
      return std::make_shared<GridPosition>(trained, prefix);
    case GridPositionKind::kLearned:
      return std::make_shared<LearnedGridPosition>(trained, prefix, d_model);
    case GridPositionKind::kLearned2d:
      return std::make_shared<Learned2dPosition>(trained, prefix, d_model);
    case GridPositionKind::kSinusoidal2d:
      return std::make_shared<Sinusoidal2dPosition>(trained, prefix, d_model);
    case GridPositionKind::kRotary2d:
      return std::make_shared<Rotary2dPosition>(trained, prefix, head_width);
  }
  TORCH_CHECK(false, "make_grid_position: unknown position scheme");
}

torch::Tensor token_positions(const torch::Tensor& h) {
  return torch::arange(h.size(1), torch::kLong).unsqueeze(0).to(h.device());
}

torch::Tensor interpolate_positions(const torch::Tensor& table, int64_t prefix, Grid from,
                                    Grid to) {
  if (from == to) return table;
  const auto image = table.narrow(0, prefix, from.patches())
                         .view({1, from.rows, from.columns, -1})
                         .permute({0, 3, 1, 2});  // [1, C, rows, columns]
  const auto resized =
      at::upsample_bicubic2d(image, {to.rows, to.columns}, /*align_corners=*/false);
  return torch::cat({table.narrow(0, 0, prefix), resized.squeeze(0).flatten(1).t()});
}

torch::Tensor GridPosition::embed(const torch::Tensor& x, const torch::Tensor&, Grid) const {
  return x;
}
Rotation GridPosition::rotation(const torch::Tensor&, Grid) const { return {}; }
torch::Tensor GridPosition::embed(const torch::Tensor& x, const torch::Tensor& positions) const {
  return embed(x, positions, trained);
}
Rotation GridPosition::rotation(const torch::Tensor& positions, const torch::Tensor&) const {
  return rotation(positions, trained);
}

LearnedGridPosition::LearnedGridPosition(Grid trained_grid, int64_t prefix_tokens, int64_t d_model)
    : GridPosition(trained_grid, prefix_tokens) {
  table = register_module("table",
                          torch::nn::Embedding(prefix_tokens + trained_grid.patches(), d_model));
}

torch::Tensor LearnedGridPosition::embed(const torch::Tensor& x, const torch::Tensor& positions,
                                         Grid grid) const {
  return x + interpolate_positions(table->weight, prefix, trained, grid).index({positions});
}

Learned2dPosition::Learned2dPosition(Grid trained_grid, int64_t prefix_tokens, int64_t d_model)
    : GridPosition(trained_grid, prefix_tokens) {
  row_table = register_module("row_table", torch::nn::Embedding(trained_grid.rows, d_model));
  column_table =
      register_module("column_table", torch::nn::Embedding(trained_grid.columns, d_model));
}

torch::Tensor Learned2dPosition::embed(const torch::Tensor& x, const torch::Tensor& positions,
                                       Grid grid) const {
  const auto table = sum_over_grid(row_table->weight, column_table->weight, prefix);
  return x + interpolate_positions(table, prefix, trained, grid).index({positions});
}

Sinusoidal2dPosition::Sinusoidal2dPosition(Grid trained_grid, int64_t prefix_tokens,
                                           int64_t d_model)
    : GridPosition(trained_grid, prefix_tokens), d_model_(d_model) {}

torch::Tensor Sinusoidal2dPosition::embed(const torch::Tensor& x, const torch::Tensor& positions,
                                          Grid grid) const {
  const int64_t of_rows = (d_model_ + 1) / 2, of_columns = d_model_ / 2;
  const auto rows = torch::constant_pad_nd(sinusoidal_table(grid.rows, of_rows), {0, of_columns});
  const auto columns =
      of_columns == 0
          ? rows.new_zeros({grid.columns, d_model_})
          : torch::constant_pad_nd(sinusoidal_table(grid.columns, of_columns), {of_rows, 0});
  const auto table = sum_over_grid(rows, columns, prefix).to(x.device(), x.scalar_type());
  return x + table.index({positions});  // [B, T, C]
}

Rotary2dPosition::Rotary2dPosition(Grid trained_grid, int64_t prefix_tokens, int64_t head_width,
                                   double base)
    : GridPosition(trained_grid, prefix_tokens) {
  TORCH_CHECK(
      head_width >= 4,
      "rotary positions: heads must be at least 4 wide, to rotate by row and by column, got ",
      head_width);
  const int64_t pairs = head_width / 2;
  row_frequencies_ = rotary_frequencies(2 * ((pairs + 1) / 2), {.base = base});
  column_frequencies_ = rotary_frequencies(2 * (pairs / 2), {.base = base});
}

Rotation Rotary2dPosition::rotation(const torch::Tensor& positions, Grid grid) const {
  TORCH_CHECK(positions.defined(), "rotary positions: the position ids of the tokens are needed");
  const auto of_patches =
      torch::cat({torch::outer(rows_of(grid).to(torch::kFloat), row_frequencies_),
                  torch::outer(columns_of(grid).to(torch::kFloat), column_frequencies_)},
                 -1);                                                            // [P, Dh / 2]
  const auto of_tokens = torch::constant_pad_nd(of_patches, {0, 0, prefix, 0});  // [T, Dh / 2]
  return rotation_by(of_tokens.index({positions.cpu()}), positions.device());
}

}  // namespace zoo
