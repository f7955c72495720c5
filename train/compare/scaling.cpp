#include "train/compare/scaling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "app/figures/chart.h"
#include "app/figures/html.h"

namespace zoo {
namespace {

bool is_size(const std::string& option, const std::vector<std::string>& sizes) {
  return std::find(sizes.begin(), sizes.end(), option) != sizes.end();
}

std::string fitted_text(const ScalingLaw& law) {
  return fmt::format("loss = {:.4g} N^{:+.3f} for N parameters, fitted to {} sizes from {} to {}",
                     law.law.a, -law.law.alpha, law.fitted.size(),
                     parameters_text(law.fitted.front().parameters),
                     parameters_text(law.fitted.back().parameters));
}

std::string predicted_text(const ScalingLaw& law) {
  const double predicted = law.law.at(law.held_out.parameters);
  const double part = law.held_out.loss / predicted - 1;
  return fmt::format("{} ({} parameters): predicted {:.4g}, trained {:.4g} ({:.1f} % {})",
                     law.held_out.label, parameters_text(law.held_out.parameters), predicted,
                     law.held_out.loss, std::abs(part) * 100, part < 0 ? "below" : "above");
}

Chart chart_of_law(const ScalingLaw& law) {
  Chart chart{.x_label = "parameters", .y_label = "loss (nats)", .log_x = true, .log_y = true};
  ChartLine line{.label = "power law", .look = ChartLine::Look::kTrain};
  const double low = law.fitted.front().parameters, high = law.held_out.parameters;
  constexpr int kSteps = 40;
  for (int i = 0; i <= kSteps; ++i) {
    const double x = low * std::pow(high / low, static_cast<double>(i) / kSteps);
    line.points.push_back({x, law.law.at(x)});
  }
  ChartLine fitted{.label = "fitted sizes", .look = ChartLine::Look::kSeries, .series = 2};
  for (const SizePoint& point : law.fitted) {
    fitted.points.push_back({point.parameters, point.loss});
    fitted.points.push_back({point.parameters, std::nan("")});  // dots, no line
  }
  chart.lines = {line,
                 fitted,
                 {.label = "held out",
                  .look = ChartLine::Look::kVal,
                  .points = {{law.held_out.parameters, law.held_out.loss}}}};
  return chart;
}

}  // namespace

double PowerLaw::at(double parameters) const { return a * std::pow(parameters, -alpha); }

PowerLaw fit_power_law(const std::vector<SizePoint>& points) {
  const auto count = static_cast<double>(points.size());
  double x_mean = 0, y_mean = 0;
  for (const SizePoint& point : points) {
    if (!(point.parameters > 0) || !(point.loss > 0))
      throw std::invalid_argument("a power law needs parameters and losses above 0");
    x_mean += std::log(point.parameters) / count;
    y_mean += std::log(point.loss) / count;
  }
  double products = 0, squares = 0;
  for (const SizePoint& point : points) {
    const double x = std::log(point.parameters) - x_mean;
    products += x * (std::log(point.loss) - y_mean);
    squares += x * x;
  }
  if (!(squares > 0)) throw std::invalid_argument("a power law needs two sizes");
  const double alpha = -products / squares;
  return {.a = std::exp(y_mean + alpha * x_mean), .alpha = alpha};
}

std::vector<ScalingLaw> scaling_laws(const Comparison& c, const std::vector<std::string>& sizes) {
  std::vector<ScalingLaw> laws;
  if (c.higher_is_better) return laws;
  for (const RunGroup& group : c.groups) {
    if (!group.best.mean || !(*group.best.mean > 0) || !group.parameters || group.finished == 0)
      continue;
    std::string label, size;
    for (size_t k = 0; k < c.differing.size(); ++k) {
      std::string& text = is_size(c.differing[k], sizes) ? size : label;
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", c.differing[k], group.values[k]);
    }
    auto law = std::find_if(laws.begin(), laws.end(),
                            [&](const ScalingLaw& other) { return other.label == label; });
    if (law == laws.end()) law = laws.insert(laws.end(), {.label = label});
    law->fitted.push_back(
        {.label = size, .parameters = *group.parameters, .loss = *group.best.mean});
  }
  std::erase_if(laws, [](ScalingLaw& law) {
    std::sort(law.fitted.begin(), law.fitted.end(),
              [](const SizePoint& a, const SizePoint& b) { return a.parameters < b.parameters; });
    if (law.fitted.size() < 3) return true;
    law.held_out = law.fitted.back();
    law.fitted.pop_back();
    if (law.fitted.front().parameters == law.fitted.back().parameters) return true;
    law.law = fit_power_law(law.fitted);
    return false;
  });
  return laws;
}

std::string scaling_text(const std::vector<ScalingLaw>& laws) {
  std::string text;
  for (const ScalingLaw& law : laws) {
    const std::string of = law.label.empty() ? "" : law.label + ": ";
    text += fmt::format("power law   {}{}\nheld out    {}{}\n", of, fitted_text(law), of,
                        predicted_text(law));
  }
  return text;
}

std::string scaling_html(const std::vector<ScalingLaw>& laws) {
  std::string html;
  for (const ScalingLaw& law : laws) {
    const Chart chart = chart_of_law(law);
    html += fmt::format(
        "<section class=\"card plot\"><h3>Power law{}</h3><p>{}.<br>Held out: {}.</p>{}{}"
        "</section>\n",
        law.label.empty() ? "" : ", " + html_escape(law.label), html_escape(fitted_text(law)),
        html_escape(predicted_text(law)), render_legend(chart), render_both(chart));
  }
  return html;
}

}  // namespace zoo
