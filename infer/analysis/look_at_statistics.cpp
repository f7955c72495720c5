// The loss of one input, whatever the family, and a row for each module.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/nn/functional/loss.h>

#include <algorithm>
#include <cmath>

#include "infer/analysis/head_examples.h"
#include "infer/analysis/look_inside.h"
#include "infer/analysis/module_statistics.h"
#include "models/bert/bert_task.h"

namespace zoo {
namespace {

namespace F = torch::nn::functional;
using nlohmann::json;

/// One pass over the input, and what its loss is called; without a loss the name is empty.
struct WatchedPass {
  std::function<torch::Tensor()> loss = {};
  std::string name = {};
};

torch::Tensor row_of(const std::vector<int64_t>& ids, const torch::Tensor& like) {
  return torch::tensor(ids, torch::kLong).unsqueeze(0).to(like.device());  // [1, T]
}

/// Logits [1, K] -> the loss of what they say.
torch::Tensor own_answer(const torch::Tensor& logits) {
  return F::cross_entropy(logits, logits.detach().argmax(-1));
}

WatchedPass pass_of(GptImpl& model, const LabelledTokens& text) {
  if (text.ids.size() < 2) {
    const auto tokens = row_of(text.ids, model.token_embedding->weight);
    return {[&model, tokens] {
      model.forward(tokens);
      return torch::Tensor();
    }};
  }
  return {next_token_loss(model, text.ids), "loss of the text's next tokens"};
}

WatchedPass pass_of(BertTaskModelImpl& model, const LabelledTokens& text) {
  const auto tokens = row_of(text.ids, model.bert->token_embedding->weight);
  const auto segments = row_of(text.segments, model.bert->token_embedding->weight);
  const auto hidden = [&model, tokens, segments] {
    BertContext context;
    if (model.options.bert.segments > 1) context.segments = segments;
    return model.bert->forward(tokens, context);  // [1, T, C]
  };
  if (model.masked_lm) {
    return {[&model, hidden, tokens] {
              return F::cross_entropy(model.masked_lm_logits(hidden())[0], tokens[0]);
            },
            "loss of the text's tokens, none of them masked"};
  }
  if (model.classifier) {
    return {[&model, hidden] { return own_answer(model.class_logits(hidden()).flatten(0, -2)); },
            "loss of the class that the model says"};
  }
  if (model.pair) {
    return {[&model, hidden] { return own_answer(model.pair_logits(hidden())); },
            "loss of what the model says of the pair"};
  }
  if (model.replaced) {
    return {[&model, hidden] {
              const auto logits = model.replaced_logits(hidden());  // [1, T]
              return F::binary_cross_entropy_with_logits(logits, torch::zeros_like(logits));
            },
            "loss of saying that no token was replaced"};
  }
  return {[hidden] {
    hidden();
    return torch::Tensor();
  }};
}

WatchedPass pass_of(TransformerImpl& model, const OpenedInput& opened) {
  if (opened.target.ids.size() < 2) {
    const auto source = row_of(opened.source.ids, model.target_embedding->weight),
               target = row_of(opened.target.ids, model.target_embedding->weight);
    return {[&model, source, target] {
      model.forward(source, {}, target);
      return torch::Tensor();
    }};
  }
  return {target_loss(model, opened.source.ids, opened.target.ids), "loss of the target's tokens"};
}

WatchedPass pass_of(ImageClassifier& model, const torch::Tensor& pixels) {
  const auto on_device = pixels.to(model.parameters().front().device());
  if (model.classes() > 0)
    return {[&model, on_device] { return own_answer(model.forward(on_device)); },
            "loss of the class that the model says"};
  auto* const vit = dynamic_cast<VitImpl*>(&model);
  return {[vit, on_device] {
    if (vit != nullptr) vit->hidden_of(vit->encode(on_device));
    return torch::Tensor();
  }};
}

WatchedPass pass_of(ClipImpl& model, const OpenedInput& opened) {
  const auto device = model.parameters().front().device();
  torch::Tensor pixels, tokens;
  if (opened.pixels.defined()) pixels = opened.pixels.to(device);
  if (!opened.text.ids.empty())
    tokens = torch::tensor(opened.text.ids, torch::kLong).unsqueeze(0).to(device);
  const bool both = pixels.defined() && tokens.defined();
  return {[&model, pixels, tokens, both] {
            torch::Tensor image, text;
            if (pixels.defined()) image = model.embed_images(pixels);
            if (tokens.defined()) text = model.embed_texts(tokens);
            return both ? 1 - (image * text).sum() : torch::Tensor();
          },
          both ? "1 - cosine of image and text" : ""};
}

WatchedPass pass_of(const OpenedInput& opened) {
  if (auto* gpt = opened.as<GptImpl>()) return pass_of(*gpt, opened.text);
  if (auto* bert = opened.as<BertTaskModelImpl>()) return pass_of(*bert, opened.text);
  if (auto* pair = opened.as<TransformerImpl>()) return pass_of(*pair, opened);
  if (auto* clip = opened.as<ClipImpl>()) return pass_of(*clip, opened);
  return pass_of(*opened.as<ImageClassifier>(), opened.pixels);
}

struct Column {
  const char* name;
  std::function<double(const ModuleStatistics&)> value;
  bool is_share = false;
};

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<Column> columns() {
  const auto of_output = [](double ValueStatistics::*field) {
    return [field](const ModuleStatistics& one) { return one.output ? *one.output.*field : kNone; };
  };
  const auto gradient = [](const ModuleStatistics& one) {
    return one.gradient_rms.value_or(kNone);
  };
  return {{"mean", of_output(&ValueStatistics::mean)},
          {"std", of_output(&ValueStatistics::std)},
          {"rms", of_output(&ValueStatistics::rms)},
          {"largest", of_output(&ValueStatistics::largest)},
          {"zeros", of_output(&ValueStatistics::zeros), true},
          {"flat", [](const ModuleStatistics& one) { return one.saturated; }, true},
          {"weight_rms", [](const ModuleStatistics& one) { return one.weight_rms; }},
          {"gradient_rms", gradient},
          {"gradient/weight", [gradient](const ModuleStatistics& one) {
             return one.weight_rms > 0 ? gradient(one) / one.weight_rms : kNone;
           }}};
}

/// Shares as they are; of other numbers the power of ten, 1e-3 black, 1 in the middle, 1e3 bright.
double colour_of(double value, bool is_share) {
  if (std::isnan(value)) return 0;
  if (is_share) return value;
  return std::clamp((std::log10(std::abs(value) + 1e-30) + 3) / 6, 0.0, 1.0);
}

LookTable table_of(const std::vector<ModuleStatistics>& all) {
  LookTable table{
      .name = "statistics",
      .title =
          "Modules: of their outputs, weights and gradients; bright: 1000 and "
          "more, dark: 0.001 and less",
      .row_axis = "module",
      .column_axis = "statistic",
      .values = torch::zeros({std::ssize(all), std::ssize(columns()) + 1}, torch::kDouble)};
  for (const auto& column : columns()) table.columns.emplace_back(column.name);
  table.columns.emplace_back("mark");
  for (int64_t row = 0; row < std::ssize(all); ++row) {
    const auto& one = all[static_cast<size_t>(row)];
    table.rows.push_back(one.module);
    auto& cells = table.cells.emplace_back();
    for (const auto& column : columns()) {
      const double value = column.value(one);
      table.values[row][std::ssize(cells)] = colour_of(value, column.is_share);
      const bool unknown = std::isnan(value) && !(one.output && std::isnan(one.output->rms));
      cells.push_back(unknown           ? "-"
                      : column.is_share ? fmt::format("{:.3f}", value)
                                        : fmt::format("{:.3g}", value));
    }
    table.values[row][std::ssize(cells)] = one.marks.empty() ? 0 : 1;
    cells.push_back(one.marks.empty() ? "" : fmt::format("{}", fmt::join(one.marks, ", ")));
  }
  return table;
}

Chart depth_chart(const std::vector<ModuleStatistics>& all) {
  Chart chart{.x_label = "module, in the order of the pass", .y_label = "RMS"};
  ChartLine output{.label = "output", .look = ChartLine::Look::kSeries, .points = {}, .series = 0},
      gradient{.label = "gradient", .look = ChartLine::Look::kSeries, .points = {}, .series = 1};
  double place = 0;
  for (const auto& one : all) {
    const auto add = [&](ChartLine& line, double rms) {
      if (std::isfinite(rms) && rms > 0) line.points.push_back({place, rms});
    };
    if (!one.output) continue;
    add(output, one.output->rms);
    add(gradient, one.gradient_rms.value_or(0));
    ++place;
  }
  chart.log_y = true;
  for (auto& line : {output, gradient})
    if (!line.points.empty()) chart.lines.push_back(line);
  return chart;
}

json json_of(const ModuleStatistics& one) {
  json row = {{"module", one.module}, {"marks", one.marks}};
  for (const auto& column : columns()) {
    const double value = column.value(one);
    std::string name = column.name;
    std::ranges::replace(name, '/', '_');
    row[name] = std::isfinite(value) ? json(value) : json();
  }
  return row;
}

}  // namespace

LookResult look_at_statistics(const OpenedInput& opened) {
  const WatchedPass pass = pass_of(opened);
  const auto all = module_statistics(*opened.model, pass.loss);
  std::vector<std::string> marked;
  for (const auto& one : all)
    if (!one.marks.empty())
      marked.push_back(fmt::format("{} ({})", one.module, fmt::join(one.marks, ", ")));
  json rows = json::array();
  for (const auto& one : all) rows.push_back(json_of(one));
  const std::string rule = fmt::format(
      "{:.0f} times more or less than the median of the same module in the other layers, all "
      "zeros, "
      "or not finite",
      kUsualFactor);
  std::string answer = marked.empty()
                           ? fmt::format("None of {} modules stands out ({}).", all.size(), rule)
                           : fmt::format("{} of {} modules stand out ({}): {}.", marked.size(),
                                         all.size(), rule, fmt::join(marked, "; "));
  answer += pass.name.empty() ? " No gradients: the input has no loss by this model."
                              : fmt::format(" Gradients are those of the {}.", pass.name);
  return {.name = "statistics",
          .title = "Outputs, weights and gradients of each module",
          .answer = answer,
          .tables = {table_of(all)},
          .charts = {{"Through the model", depth_chart(all)}},
          .json = {{"loss_of", pass.name.empty() ? json() : json(pass.name)},
                   {"factor", kUsualFactor},
                   {"modules", rows}}};
}

}  // namespace zoo
