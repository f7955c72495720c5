#include "notebooks-cpp/nb/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "app/figures/chart.h"
#include "app/figures/heat_map.h"
#include "app/figures/html.h"
#include "app/figures/matrix_figure.h"
#include "base/text_table.h"
#include "notebooks-cpp/nb/output.h"

namespace nb {
namespace {

/// On white, whatever the notebook's theme is.
constexpr std::string_view kStyle = R"(
text { fill: #5d6778; font: 12px system-ui, sans-serif; }
text.title { fill: #1b2230; font-weight: 600; font-size: 13px; }
)";
constexpr std::string_view kLabels = R"(
svg.matrix text { font-size: 10px; }
svg.matrix text.axis-name { font-size: 11px; }
)";

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

/// The colours of a light page as literals: not every program that draws SVG knows CSS variables.
std::string chart_style() {
  const std::string_view all = zoo::chart_style();
  std::string style(all.substr(0, all.find("@media")));  // then come a dark page's
  replace_all(style, "--series:", "color:");
  for (size_t at = 0; (at = style.find("var(--", at)) != std::string::npos;) {
    const size_t comma = style.find(',', at), end = style.find(')', at);
    const bool series = style.compare(at, 12, "var(--series") == 0;
    style.replace(at, end + 1 - at,
                  series ? "currentColor" : style.substr(comma + 2, end - comma - 2));
  }
  return style;
}

struct Size {
  double width = 0, height = 0;
};

Size view_of(const std::string& svg) {
  Size size;
  const size_t at = svg.find("viewBox=\"0 0 ");
  if (at == std::string::npos ||
      std::sscanf(svg.c_str() + at + 13, "%lf %lf", &size.width, &size.height) != 2)
    throw std::logic_error("a picture without a viewBox");
  return size;
}

/// A picture as part of another one: `width` units wide, its corner at (x, y).
std::string inset(const std::string& svg, double x, double y, double width) {
  const Size view = view_of(svg);
  const double height = width * view.height / view.width;
  std::string part = svg;
  part.insert(part.find("<svg") + 4,
              fmt::format(" x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\"", x, y,
                          width, height));
  return part;
}

/// A file of its own: colours, fonts, a white background.
std::string svg_file(Size size, const std::string& body) {
  return fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}">)"
      R"(<style>{2}{3}{4}{5}</style><rect width="{0:.0f}" height="{1:.0f}" fill="#fff"/>{6}</svg>)",
      size.width, size.height, kStyle, chart_style(), zoo::matrix_style(), kLabels, body);
}

std::string title_at(double x, double y, const std::string& text) {
  return fmt::format(R"(<text class="title" x="{:.0f}" y="{:.0f}">{}</text>)", x, y,
                     zoo::html_escape(text));
}

std::vector<std::string> labels_or_numbers(const std::vector<std::string>& labels, int64_t count) {
  if (!labels.empty()) return labels;
  std::vector<std::string> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(std::to_string(i));
  return numbers;
}

/// Units of a text of 12 pixels, rather more than less.
double room_for(std::string_view text) {
  return 7.0 * static_cast<double>(std::ranges::count_if(
                   text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

struct Legend {
  std::string svg = {};
  double height = 0;
};

/// Names of the lines, each after a dash of its colour, in rows of `width`.
Legend legend(const std::vector<Line>& lines, double top, double width) {
  constexpr double kLeft = 60, kRow = 18, kDash = 24, kGap = 20;
  Legend legend{.svg = {}, .height = kRow};
  double x = kLeft;
  for (size_t n = 0; n < lines.size(); ++n) {
    const double room = kDash + room_for(lines[n].label);
    if (x > kLeft && x + room > width) {
      x = kLeft;
      legend.height += kRow;
    }
    const double y = top + legend.height - 4;
    legend.svg +=
        fmt::format(R"(<g class="s{0}"><path class="series" d="M{1:.0f},{2:.0f}h18"/></g>)"
                    R"(<text x="{3:.0f}" y="{4:.0f}">{5}</text>)",
                    n % 8, x, y - 4, x + kDash, y, zoo::html_escape(lines[n].label));
    x += room + kGap;
  }
  return legend;
}

}  // namespace

void show(const torch::Tensor& matrix, const HeatMapOptions& options) {
  if (matrix.dim() != 2 && matrix.dim() != 3)
    throw std::invalid_argument(
        fmt::format("nb::show: expected a matrix [R, C] or several [N, R, C], got {} dimensions",
                    matrix.dim()));
  if (matrix.numel() == 0) throw std::invalid_argument("nb::show: the matrix is empty");
  const auto all = (matrix.dim() == 2 ? matrix.unsqueeze(0) : matrix)
                       .detach()
                       .to(torch::kCPU, torch::kFloat);  // [N, R, C]
  const int64_t N = all.size(0), R = all.size(1), C = all.size(2);
  float low = options.low, high = options.high;
  if (low == high) {
    const auto finite = all.masked_select(all.isfinite());
    low = finite.numel() == 0 ? 0 : finite.min().item<float>();
    high = finite.numel() == 0 ? 0 : finite.max().item<float>();
  }
  const auto shown = all.nan_to_num(low, high, low).contiguous();  // [N, R, C]
  // Pixels: large matrices fill the width, small ones have cells that are not much larger than text.
  constexpr int64_t kLargestCell = 28;
  const int64_t cell = std::clamp<int64_t>((N == 1 ? 360 : 192) / std::max(R, C), 1, kLargestCell);
  const zoo::MatrixFrame frame{.rows = labels_or_numbers(options.row_labels, R),
                               .columns = labels_or_numbers(options.column_labels, C),
                               .row_axis = options.rows,
                               .column_axis = options.columns,
                               .cell = static_cast<int>(cell)};
  if (std::ssize(frame.rows) != R || std::ssize(frame.columns) != C)
    throw std::invalid_argument(fmt::format("nb::show: {} x {} labels for a matrix of {} x {}",
                                            frame.rows.size(), frame.columns.size(), R, C));
  constexpr int64_t kAcross = 4;
  const double gap = 8, top = options.title.empty() ? 4 : 26;
  std::string body = options.title.empty() ? "" : title_at(8, 18, options.title);
  double width = 0, height = 0;
  for (int64_t n = 0; n < N; ++n) {
    const float* values = shown.data_ptr<float>() + n * R * C;
    const auto cells = zoo::heat_map({values, static_cast<size_t>(R * C)}, static_cast<int>(R),
                                     static_cast<int>(C), low, high, frame.cell);
    const std::string svg = zoo::matrix_svg(frame, cells);
    const Size view = view_of(svg);
    width = view.width;
    height = view.height;
    body += inset(svg, static_cast<double>(n % kAcross) * (width + gap),
                  top + static_cast<double>(n / kAcross) * (height + gap), width);
  }
  const auto across = static_cast<double>(std::min(N, kAcross));
  const auto down = static_cast<double>((N + kAcross - 1) / kAcross);
  const Size size{.width = std::max(across * (width + gap),
                                    8.0 * static_cast<double>(options.title.size()) + 16),
                  .height = top + down * (height + gap)};
  display({.mime = "image/svg+xml",
           .data = svg_file(size, body),
           .text = fmt::format("[heat map: {}, {} x {}, {:.3g} to {:.3g}]", options.title, R, C,
                               low, high)});
}

void plot(const std::vector<Line>& lines, const PlotOptions& options) {
  if (lines.empty()) throw std::invalid_argument("nb::plot: there is no line to draw");
  zoo::Chart chart{.x_label = options.x,
                   .y_label = options.y,
                   .log_x = options.log_x,
                   .log_y = options.log_y,
                   .y_from_zero = options.y_from_zero};
  std::string text = fmt::format("[plot: {}; {} over {}]", options.title, options.y, options.x);
  for (const Line& line : lines) {
    if (line.x.empty() || line.x.size() != line.y.size())
      throw std::invalid_argument(fmt::format("nb::plot: '{}' has {} x for {} y", line.label,
                                              line.x.size(), line.y.size()));
    zoo::ChartLine drawn{.label = line.label,
                         .look = zoo::ChartLine::Look::kSeries,
                         .series = static_cast<int>(chart.lines.size() % 8)};
    if (options.log_y && std::ranges::any_of(line.y, [](double y) { return y <= 0; }))
      throw std::invalid_argument(
          fmt::format("nb::plot: '{}' has a y of 0 or less on a logarithmic axis", line.label));
    for (size_t i = 0; i < line.x.size(); ++i)
      drawn.points.push_back({.x = line.x[i], .y = line.y[i]});
    chart.lines.push_back(drawn);
    text += fmt::format("\n  {}: {:.4g} at {:.4g}, {:.4g} at {:.4g}", line.label, line.y.front(),
                        line.x.front(), line.y.back(), line.x.back());
  }
  constexpr double kWidth = 640, kHeight = 300;
  const double top = options.title.empty() ? 4 : 26;
  const Legend names = legend(lines, top, kWidth);
  const double under = top + names.height;
  std::string body = (options.title.empty() ? "" : title_at(8, 18, options.title)) + names.svg;
  body += inset(zoo::render_svg(chart, static_cast<int>(kWidth), static_cast<int>(kHeight)), 0,
                under, kWidth);
  display({.mime = "image/svg+xml",
           .data = svg_file({.width = kWidth, .height = under + kHeight}, body),
           .text = text});
}

void table(const std::vector<std::string>& header,
           const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> all = {header};
  all.insert(all.end(), rows.begin(), rows.end());
  const auto widths = zoo::column_widths(all, header.size());
  std::string html = "<table>", text;
  for (size_t n = 0; n < all.size(); ++n) {
    if (all[n].size() != header.size())
      throw std::invalid_argument(fmt::format("nb::table: row {} has {} cells for {} columns", n,
                                              all[n].size(), header.size()));
    html += "<tr>";
    for (const std::string& cell : all[n])
      html += fmt::format("<{0}>{1}</{0}>", n == 0 ? "th" : "td", zoo::html_escape(cell));
    html += "</tr>";
    text += (n == 0 ? "" : "\n") + zoo::table_line(all[n], widths, 1);
  }
  display({.mime = "text/html", .data = html + "</table>", .text = text});
}

void picture(const zoo::Image& image, const std::string& caption) {
  display({.mime = "image/png",
           .data = zoo::encode_png(image),
           .text = fmt::format("[picture: {}, {} x {}]", caption, image.width, image.height)});
}

void progress(const std::string& what, int64_t done, int64_t total) {
  using Clock = std::chrono::steady_clock;
  static Clock::time_point last{};
  if (!in_notebook()) return;  // a log would keep every version of the line
  if (done < total && Clock::now() - last < std::chrono::milliseconds(200)) return;
  last = Clock::now();
  print(fmt::format("\r{}  {} / {}{}", what, done, total, done < total ? "" : "\n"));
}

}  // namespace nb
