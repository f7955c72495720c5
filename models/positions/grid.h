// Positions of an image's patches, which lie in rows and columns: Dosovitskiy et al. 2020
// (arXiv:2010.11929), appendix D.4, compares some of them; rotary in two dimensions: Heo et al.
// 2024 (arXiv:2403.13298), §3.2 (axial).
#pragma once
#include <torch/nn/modules/embedding.h>

#include <memory>

#include "models/positions/position.h"

namespace zoo {

/// Patches of an image.
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

/// The scheme "none", and what all of them know. Position ids count tokens: first `prefix` of them
/// that have no place in the grid (the class token), then patches row by row. Each pass names the
/// grid of its images; where it is not the one the model was made for, learned positions are
/// interpolated and the others go on.
class GridPosition : public Position {
 public:
  GridPosition(Grid trained_grid, int64_t prefix_tokens)
      : trained(trained_grid), prefix(prefix_tokens) {}
  /// As Position::embed, for images of this grid.
  virtual torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions,
                              Grid grid) const;
  /// As Position::rotation, for images of this grid.
  virtual Rotation rotation(const torch::Tensor& positions, Grid grid) const;

  torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions) const final;
  Rotation rotation(const torch::Tensor& positions) const final;
  const Grid trained;
  const int64_t prefix;
};

/// A vector a token, blind to rows and columns: the paper's choice.
class LearnedGridPosition : public GridPosition {
 public:
  LearnedGridPosition(Grid trained, int64_t prefix, int64_t d_model);
  using GridPosition::embed;
  torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions,
                      Grid grid) const override;
  torch::nn::Embedding table{nullptr};  // [prefix + P, C]
};

/// A vector a row and a vector a column, added. Differs from the paper, which gives each half of
/// the columns of the stream: that is the case of these where the other half is zero.
class Learned2dPosition : public GridPosition {
 public:
  Learned2dPosition(Grid trained, int64_t prefix, int64_t d_model);
  using GridPosition::embed;
  torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions,
                      Grid grid) const override;
  torch::nn::Embedding row_table{nullptr}, column_table{nullptr};  // [rows, C], [columns, C]
};

/// Sines and cosines of the row in the first half of the stream, of the column in the second.
class Sinusoidal2dPosition : public GridPosition {
 public:
  Sinusoidal2dPosition(Grid trained, int64_t prefix, int64_t d_model);
  using GridPosition::embed;
  torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions,
                      Grid grid) const override;

 private:
  int64_t d_model_;
};

/// Half of a head's pairs of coordinates rotate with the row, half with the column. Of an odd head
/// the last coordinate does not rotate.
class Rotary2dPosition : public GridPosition {
 public:
  Rotary2dPosition(Grid trained, int64_t prefix, int64_t head_width, double base = 100.0);
  using GridPosition::rotation;
  Rotation rotation(const torch::Tensor& positions, Grid grid) const override;

 private:
  torch::Tensor row_frequencies_, column_frequencies_;  // together [Dh / 2]
};

/// A scheme for a model of this width, with heads of that one.
std::shared_ptr<GridPosition> make_grid_position(GridPositionKind kind, Grid trained,
                                                 int64_t prefix, int64_t d_model,
                                                 int64_t head_width);

/// h [B, T, C] -> position ids [1, T]: 0 .. T - 1 on its device
torch::Tensor token_positions(const torch::Tensor& h);

/// table [prefix + P, C] of one grid -> [prefix + P', C] of another, bicubic; the first `prefix`
/// rows stay (Dosovitskiy et al. 2020, §3.2).
torch::Tensor interpolate_positions(const torch::Tensor& table, int64_t prefix, Grid from, Grid to);

}  // namespace zoo
