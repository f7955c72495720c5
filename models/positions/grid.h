// Positions of image patches, which form a grid of rows and columns. Dosovitskiy et al. 2020
// (arXiv:2010.11929), appendix D.4, compares several schemes; two-dimensional rotary: Heo et al.
// 2024 (arXiv:2403.13298), §3.2 (axial).
#pragma once
#include <torch/nn/modules/embedding.h>

#include <memory>

#include "models/positions/position.h"

namespace zoo {

/// The patch grid of an image.
struct Grid {
  int64_t rows = 0, columns = 0;
  int64_t patches() const { return rows * columns; }
  bool operator==(const Grid&) const = default;
};

enum class GridPositionKind { kNone, kLearned, kLearned2d, kSinusoidal2d, kRotary2d };
template <>
struct EnumNames<GridPositionKind> {
  static constexpr std::string_view what = "position scheme";
  static constexpr std::pair<GridPositionKind, std::string_view> values[] = {
      {GridPositionKind::kNone, "none"},
      {GridPositionKind::kLearned, "learned"},
      {GridPositionKind::kLearned2d, "learned-2d"},
      {GridPositionKind::kSinusoidal2d, "sinusoidal-2d"},
      {GridPositionKind::kRotary2d, "rotary-2d"}};
};
constexpr PositionPlace place_of(GridPositionKind kind) {
  return kind == GridPositionKind::kRotary2d ? PositionPlace::kRotation
                                             : PositionPlace::kEmbeddings;
}

/// The scheme "none", and the base of the others. Position ids count tokens: first `prefix` tokens
/// outside the grid (the class token), then patches row by row. Each pass gives the grid of its
/// images. If it differs from the model's grid, learned positions are interpolated; the other
/// schemes extend by themselves.
class GridPosition : public Position {
 public:
  GridPosition(Grid trained_grid, int64_t prefix_tokens)
      : trained(trained_grid), prefix(prefix_tokens) {}
  /// Like Position::embed, for images of this grid.
  virtual torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions,
                              Grid grid) const;
  /// Like Position::rotation, for images of this grid.
  virtual Rotation rotation(const torch::Tensor& positions, Grid grid) const;

  torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions) const final;
  Rotation rotation(const torch::Tensor& positions, const torch::Tensor& lengths = {}) const final;
  const Grid trained;
  const int64_t prefix;
};

/// One vector per token, ignoring rows and columns: the paper's choice.
class LearnedGridPosition : public GridPosition {
 public:
  LearnedGridPosition(Grid trained, int64_t prefix, int64_t d_model);
  using GridPosition::embed;
  torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions,
                      Grid grid) const override;
  torch::nn::Embedding table{nullptr};  // [prefix + P, C]
};

/// One vector per row and one per column, added. Differs from the paper, which uses half of the
/// channels for each: that is the special case in which the other half is zero.
class Learned2dPosition : public GridPosition {
 public:
  Learned2dPosition(Grid trained, int64_t prefix, int64_t d_model);
  using GridPosition::embed;
  torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions,
                      Grid grid) const override;
  torch::nn::Embedding row_table{nullptr}, column_table{nullptr};  // [rows, C], [columns, C]
};

/// Sines and cosines of the row in the first half of the channels, of the column in the second.
class Sinusoidal2dPosition : public GridPosition {
 public:
  Sinusoidal2dPosition(Grid trained, int64_t prefix, int64_t d_model);
  using GridPosition::embed;
  torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions,
                      Grid grid) const override;

 private:
  int64_t d_model_;
};

/// Half of a head's coordinate pairs rotate with the row, half with the column. If the head width
/// is odd, the last coordinate does not rotate.
class Rotary2dPosition : public GridPosition {
 public:
  Rotary2dPosition(Grid trained, int64_t prefix, int64_t head_width, double base = 100.0);
  using GridPosition::rotation;
  Rotation rotation(const torch::Tensor& positions, Grid grid) const override;

 private:
  torch::Tensor row_frequencies_, column_frequencies_;  // together [Dh / 2]
};

/// A scheme for a model of width d_model with heads of width head_width.
std::shared_ptr<GridPosition> make_grid_position(GridPositionKind kind, Grid trained,
                                                 int64_t prefix, int64_t d_model,
                                                 int64_t head_width);

/// h [B, T, C] -> position ids [1, T]: 0 .. T - 1 on the device of h
torch::Tensor token_positions(const torch::Tensor& h);

/// table [prefix + P, C] of one grid -> [prefix + P', C] of another, by bicubic interpolation; the
/// first `prefix` rows are unchanged (Dosovitskiy et al. 2020, §3.2).
torch::Tensor interpolate_positions(const torch::Tensor& table, int64_t prefix, Grid from, Grid to);

}  // namespace zoo
