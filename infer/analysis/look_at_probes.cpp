// A row for each layer, a curve through them.
#include <fmt/format.h>

#include <algorithm>

#include "infer/analysis/look_inside.h"

namespace zoo {
namespace {

using nlohmann::json;

LookTable layer_table(const ProbeResult& result, const std::vector<std::string>& stages) {
  LookTable table{.name = "probe",
                  .title = "Probes: share of right answers",
                  .row_axis = "states after",
                  .column_axis = "examples",
                  .rows = stages,
                  .columns = {"held out", "control", "selectivity", "fitted", "control fitted"}};
  std::vector<torch::Tensor> rows;
  for (const auto& layer : result.layers) {
    rows.push_back(torch::tensor(
        {layer.accuracy, layer.control, layer.selectivity(), layer.fitted, layer.control_fitted},
        torch::kDouble));
    auto& cells = table.cells.emplace_back();
    for (const double value :
         {layer.accuracy, layer.control, layer.selectivity(), layer.fitted, layer.control_fitted})
      cells.push_back(fmt::format("{:.3f}", value));
  }
  table.values = torch::stack(rows);
  return table;
}

Chart layer_chart(const ProbeResult& result) {
  Chart chart{.x_label = "layer (0: the embedding)", .y_label = "share of right answers"};
  ChartLine accuracy{.label = "probe, held out", .look = ChartLine::Look::kSeries},
      control{.label = "control, held out", .look = ChartLine::Look::kSeries, .series = 1};
  for (size_t n = 0; n < result.layers.size(); ++n) {
    const auto x = static_cast<double>(n);
    accuracy.points.push_back({x, result.layers[n].accuracy});
    control.points.push_back({x, result.layers[n].control});
  }
  chart.lines = {accuracy, control};
  chart.chance = result.majority;
  chart.y_from_zero = true;
  return chart;
}

}  // namespace

LookResult look_with_probes(const OpenedInput& opened, const ExampleFile& file,
                            const ProbeOptions& options) {
  const LabelledStates states = read_labelled_states(opened, file);
  const ProbeResult result = probe_layers(states.examples, options);
  const auto best = std::ranges::max_element(result.layers, {}, &LayerProbe::accuracy);
  const auto at = static_cast<size_t>(best - result.layers.begin());
  json layers = json::array();
  for (size_t n = 0; n < result.layers.size(); ++n) {
    const auto& layer = result.layers[n];
    layers.push_back({{"after", states.stages[n]},
                      {"accuracy", layer.accuracy},
                      {"control", layer.control},
                      {"selectivity", layer.selectivity()},
                      {"fitted", layer.fitted},
                      {"control_fitted", layer.control_fitted}});
  }
  return {.name = "probe",
          .title = "Probes by layer",
          .answer = fmt::format(
              "A linear probe reads the label best from {}: {:.3f} of {} held-out examples "
              "are right, {:.3f} by the most frequent label, {:.3f} with random labels (control).",
              at == 0 ? "the embedding" : "the output of " + states.stages[at], best->accuracy,
              result.held_out, result.majority, best->control),
          .tables = {layer_table(result, states.stages)},
          .charts = {{"Through the layers (dashed: the most frequent label)", layer_chart(result)}},
          .json = {{"labels", states.examples.names},
                   {"fitted_examples", result.fitted},
                   {"held_out_examples", result.held_out},
                   {"majority", result.majority},
                   {"seed", options.seed},
                   {"layers", layers}}};
}

}  // namespace zoo
