// The examples that help most, and those that harm most.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "base/usage_error.h"
#include "infer/analysis/influence.h"
#include "infer/analysis/influence_examples.h"
#include "infer/analysis/look_inside.h"
#include "train/data/classifier_examples.h"

namespace zoo {
namespace {

using nlohmann::json;

/// One number an example, and perhaps a second that goes with it.
struct Scored {
  std::vector<std::string> texts = {};
  torch::Tensor scores = {};  // [N]
  std::string second_name = {};
  torch::Tensor second = {};  // [N], or undefined
  std::string asked = {}, meaning = {};
};

std::string shortened(const std::string& text) {
  constexpr size_t kMost = 60;
  if (text.size() <= kMost) return text;
  size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

/// The `top` largest scores and the `top` smallest, each example once.
std::vector<int64_t> shown_of(const torch::Tensor& scores, int64_t top) {
  const auto order = scores.argsort(/*dim=*/0, /*descending=*/true);
  std::vector<int64_t> shown;
  const int64_t N = scores.size(0);
  for (int64_t n = 0; n < N; ++n)
    if (n < top || n >= N - top) shown.push_back(order[n].item<int64_t>());
  return shown;
}

LookTable example_table(const Scored& scored, int64_t top) {
  const auto shown = shown_of(scored.scores, top);
  const double most = std::max(scored.scores.abs().max().item<double>(), 1e-300);
  LookTable table{
      .name = "influence",
      .title = fmt::format("Examples: the {} that help most and the {} that harm most", top, top),
      .row_axis = "example",
      .column_axis = "on the loss",
      .columns = {"influence"},
      .low = -1};
  if (scored.second.defined()) table.columns.push_back(scored.second_name);
  std::vector<torch::Tensor> rows;
  for (const int64_t i : shown) {
    table.rows.push_back(
        fmt::format("{}: {}", i + 1, shortened(scored.texts[static_cast<size_t>(i)])));
    std::vector<double> values = {scored.scores[i].item<double>() / most};
    auto& cells = table.cells.emplace_back();
    cells.push_back(fmt::format("{:+.4g}", scored.scores[i].item<double>()));
    if (scored.second.defined()) {
      const double second = scored.second[i].item<double>();
      const double widest = scored.second_name == "cosine" ? 1 : most;
      values.push_back(std::clamp(second / widest, -1.0, 1.0));
      cells.push_back(fmt::format("{:+.4g}", second));
    }
    rows.push_back(torch::tensor(values, torch::kDouble));
  }
  table.values = torch::stack(rows);
  return table;
}

Chart example_chart(const Scored& scored) {
  const auto order = scored.scores.argsort();
  Chart chart{.x_label = "example, by influence", .y_label = "influence on the loss"};
  const auto line = [&](const std::string& label, const torch::Tensor& values, int series) {
    ChartLine drawn{.label = label, .look = ChartLine::Look::kSeries, .series = series};
    for (int64_t n = 0; n < order.size(0); ++n)
      drawn.points.push_back({static_cast<double>(n), values[order[n]].item<double>()});
    chart.lines.push_back(std::move(drawn));
  };
  line("influence", scored.scores, 0);
  if (scored.second_name == "left out") line("left out and fitted again", scored.second, 1);
  return chart;
}

Scored by_gradients(const OpenedInput& opened, const ExampleFile& file,
                    const InfluenceQuestion& question) {
  auto examples = influence_examples(opened, file, question.label);
  const auto products = gradient_products(examples.weights, examples.test, examples.training);
  return {.texts = std::move(examples.texts),
          .scores = products.product,
          .second_name = "cosine",
          .second = products.cosine,
          .asked = examples.asked,
          .meaning =
              "a small step on the example, with rate r, lowers that loss by r times its "
              "influence (to first order)"};
}

size_t stage_of(const InfluenceQuestion& question, size_t stages) {
  const auto last = static_cast<int64_t>(stages) - 2;  // stage 0 is the embedding
  const int64_t layer = question.layer.value_or(last);
  if (layer < 0 || layer > last) {
    throw std::runtime_error(
        fmt::format("--layer {}: the model has the layers 0 to {}", layer, last));
  }
  return static_cast<size_t>(layer + 1);
}

double correlation(const torch::Tensor& a, const torch::Tensor& b) {
  return torch::corrcoef(torch::stack({a, b}))[0][1].item<double>();
}

Scored by_head(const OpenedInput& opened, const LookedAt& input, const ExampleFile& file,
               const InfluenceQuestion& question) {
  if (!input.text) throw UsageError("influence of a head is on a text: give --text");
  auto states = read_labelled_states(opened, file);
  const auto& names = states.examples.names;
  if (names.size() < 2) {
    throw std::runtime_error(
        fmt::format("{}: all examples have the label '{}'; a head tells two or more apart",
                    file.data.string(), names.front()));
  }
  const size_t stage = stage_of(question, states.stages.size());
  const auto& x = states.examples.features[stage];
  const LabelledFeatures training{with_bias(x), states.examples.labels};
  const FittedHead head{
      fit_logistic(training, {.classes = std::ssize(names), .decay = question.decay}),
      question.decay};
  LabelledFeatures test{with_bias(states_of_text(opened, file, *input.text, input.pair)[stage]),
                        {}};
  test.y = question.label
               ? torch::full({1}, LabelNames::in_order(names).id_of(*question.label, "--label"),
                             torch::kLong)
               : logistic_classes(test.x, head.weights);
  Scored scored{
      .texts = std::move(states.texts),
      .scores = influence(head, training, test, question.damping)[0],
      .asked =
          fmt::format("loss of the label '{}' by a head on {}",
                      names[static_cast<size_t>(test.y[0].item<int64_t>())], states.stages[stage]),
      .meaning = "without the example that loss would be larger by its influence, in nats"};
  if (question.retrain) {
    scored.second_name = "left out";
    scored.second = leave_one_out(head, training, test)[0];
    scored.meaning += fmt::format("; leaving each out and fitting again agrees, correlation {:.3f}",
                                  correlation(scored.scores, scored.second));
  }
  for (size_t i = 0; i < scored.texts.size(); ++i) {
    const auto label = states.examples.labels[static_cast<int64_t>(i)].item<int64_t>();
    scored.texts[i] = names[static_cast<size_t>(label)] + ": " + scored.texts[i];
  }
  return scored;
}

}  // namespace

LookResult look_for_influence(const OpenedInput& opened, const LookedAt& input,
                              const ExampleFile& file, const InfluenceQuestion& question) {
  const Scored scored = question.method == InfluenceMethod::kHead
                            ? by_head(opened, input, file, question)
                            : by_gradients(opened, file, question);
  json examples = json::array();
  for (int64_t i = 0; i < scored.scores.size(0); ++i) {
    json one = {{"example", i + 1},
                {"text", scored.texts[static_cast<size_t>(i)]},
                {"influence", scored.scores[i].item<double>()}};
    if (scored.second.defined())
      one[scored.second_name == "cosine" ? "cosine" : "left_out"] = scored.second[i].item<double>();
    examples.push_back(std::move(one));
  }
  const auto most = scored.scores.argmax().item<int64_t>(),
             least = scored.scores.argmin().item<int64_t>();
  return {
      .name = "influence",
      .title = "Influence of training examples",
      .answer = fmt::format("On the {}, of {} examples number {} helps most ({:+.4g}), number {} "
                            "least ({:+.4g}): {}.",
                            scored.asked, scored.texts.size(), most + 1,
                            scored.scores[most].item<double>(), least + 1,
                            scored.scores[least].item<double>(), scored.meaning),
      .tables = {example_table(scored, question.top)},
      .charts = {{"All examples", example_chart(scored)}},
      .json = {
          {"loss_of", scored.asked}, {"method", name_of(question.method)}, {"examples", examples}}};
}

}  // namespace zoo
