// Heads that matter: two tables, and the curve of leaving heads out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "infer/analysis/head_examples.h"
#include "infer/analysis/look_inside.h"

namespace zoo {
namespace {

using nlohmann::json;

std::string table_cell(const torch::Tensor& values, int64_t row, int64_t column,
                       const char* format) {
  const double value = values[row][column].item<double>();
  return std::isnan(value) ? "-" : fmt::format(fmt::runtime(format), value);
}

std::vector<std::vector<std::string>> table_cells(const torch::Tensor& values, const char* format) {
  std::vector<std::vector<std::string>> cells;
  for (int64_t r = 0; r < values.size(0); ++r) {
    auto& row = cells.emplace_back();
    for (int64_t c = 0; c < values.size(1); ++c) row.push_back(table_cell(values, r, c, format));
  }
  return cells;
}

ChartLine curve_of(const PruningCurve& curve, const std::string& label, int series) {
  ChartLine line{.label = label, .look = ChartLine::Look::kSeries, .points = {}, .series = series};
  for (size_t n = 0; n < curve.losses.size(); ++n)
    line.points.push_back({static_cast<double>(n), curve.losses[n]});
  return line;
}

json curve_json(const PruningCurve& curve, const std::vector<NamedAttention>& layers) {
  json heads = json::array();
  for (const auto& [layer, head] : curve.heads)
    heads.push_back({{"layer", layers[static_cast<size_t>(layer)].name}, {"head", head}});
  return {{"heads", heads}, {"losses", curve.losses}};
}

}  // namespace

LookResult look_at_heads(const OpenedInput& opened) {
  const HeadTask task = head_task(opened);
  const HeadImportance heads = head_importance(task.layers, task.examples);
  std::vector<std::string> names;
  for (const auto& layer : task.layers) names.push_back(layer.name);
  const auto table = [&](const char* name, const char* title, const torch::Tensor& values) {
    const double most = std::max(values.nan_to_num(0).max().item<double>(), 1e-12);
    return LookTable{.name = name,
                     .title = title,
                     .row_axis = "layer",
                     .column_axis = "head",
                     .rows = names,
                     .columns = numbered_labels("head ", values.size(1)),
                     .values = values,
                     .low = std::min(0.0, values.nan_to_num(0).min().item<double>()),
                     .high = most,
                     .cells = table_cells(values, "{:.4f}")};
  };
  const auto [layer, head] = largest_entry(heads.ablation);
  const auto& curve = heads.by_ablation.losses;
  const auto free = std::ranges::count_if(curve.begin() + 1, curve.end(),
                                          [&](double loss) { return loss <= heads.loss * 1.01; });
  ChartLine whole{.label = "whole model", .look = ChartLine::Look::kFaint};
  whole.points = {{0, heads.loss}, {static_cast<double>(curve.size() - 1), heads.loss}};
  Chart chart{.x_label = "heads left out", .y_label = task.loss + " (nats)"};
  chart.lines = {whole, curve_of(heads.by_ablation, "least harmful by ablation first", 0),
                 curve_of(heads.by_gradient, "smallest gradient first", 1)};
  return {
      .name = "heads",
      .title = "Heads that matter",
      .answer = fmt::format(
          "The {} is {:.4f} nats. Without head {} of {} it is {:+.4f} more. {} of {} heads can be "
          "left out one after the other, the least harmful first, with at most 1 % more loss.",
          task.loss, heads.loss, head, names[static_cast<size_t>(layer)],
          heads.ablation[layer][head].item<double>(), free, curve.size() - 1),
      .tables = {table("ablation", "Ablation: how much the loss grows without the head",
                       heads.ablation),
                 table("gradient", "Gradient: how fast the loss changes with a gate on the head",
                       heads.gradient)},
      .charts = {{"Pruning: heads left out one after the other", std::move(chart)}},
      .json = {{"loss", heads.loss},
               {"loss_of", task.loss},
               {"layers", names},
               {"ablation", matrix_json(heads.ablation)},
               {"gradient", matrix_json(heads.gradient)},
               {"pruning",
                {{"by_ablation", curve_json(heads.by_ablation, task.layers)},
                 {"by_gradient", curve_json(heads.by_gradient, task.layers)}}}}};
}

}  // namespace zoo
