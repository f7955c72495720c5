#include "app/figures/matrix_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "app/figures/html.h"

namespace zoo {
namespace {

// SVG units
constexpr int kLine = 12, kMostLabels = 72, kFewestUnits = 46;
constexpr int kUnderAxisNames = kFewestUnits - 28;  // room for column labels below both names

/// Space for the longest label.
int room_for(const std::vector<std::string>& labels) {
  int widest = 0;
  for (const std::string& label : labels) {
    int width = 0;
    for (const char c : label) {
      const auto byte = static_cast<unsigned char>(c);
      // Only first bytes count. Most characters of three or more bytes are twice as wide.
      if ((byte & 0xC0) != 0x80) width += byte < 0xE1 ? 6 : 10;
    }
    widest = std::max(widest, width);
  }
  return widest + 8;
}

/// Only every n-th label is shown: a line of text each, and not too many.
size_t stride_of(const std::vector<std::string>& labels, int cell) {
  return std::max<size_t>((labels.size() + kMostLabels - 1) / kMostLabels,
                          static_cast<size_t>((kLine + cell - 1) / cell));
}

/// Whether the labels of columns fit beside each other; else they are turned.
bool lie_flat(const MatrixFrame& frame) {
  const int across = frame.cell * static_cast<int>(stride_of(frame.columns, frame.cell));
  return room_for(frame.columns) - 8 <= across - 3;
}

double place_of(int margin, size_t label, int cell) {
  return margin + (static_cast<double>(label) + 0.5) * cell;
}

std::string row_labels(const MatrixFrame& frame, int left, int top) {
  std::string svg;
  for (size_t i = 0; i < frame.rows.size(); i += stride_of(frame.rows, frame.cell)) {
    svg += fmt::format(
        R"(<text x="{}" y="{}" text-anchor="end" dominant-baseline="central">{}</text>)", left - 4,
        place_of(top, i, frame.cell), html_escape(frame.rows[i]));
  }
  return svg;
}

std::string column_labels(const MatrixFrame& frame, int left, int top) {
  std::string svg;
  const bool flat = lie_flat(frame);
  for (size_t i = 0; i < frame.columns.size(); i += stride_of(frame.columns, frame.cell)) {
    const double x = place_of(left, i, frame.cell);
    const std::string text = html_escape(frame.columns[i]);
    svg += flat ? fmt::format(R"(<text x="{}" y="{}" text-anchor="middle">{}</text>)", x, top - 5,
                              text)
                : fmt::format(R"svg(<text transform="translate({},{}) rotate(-90)" )svg"
                              R"(dominant-baseline="central">{}</text>)",
                              x, top - 4, text);
  }
  return svg;
}

}  // namespace

std::string matrix_svg(const MatrixFrame& frame, const Image& cells) {
  // The axis names go in the corner, or above short labels of columns.
  const int names =
      20 + 6 * static_cast<int>(std::max(frame.row_axis.size(), frame.column_axis.size()));
  const int over = lie_flat(frame) ? kLine : room_for(frame.columns);
  const int corner = over <= kUnderAxisNames ? 0 : names;
  const int left = std::max({room_for(frame.rows), corner, kFewestUnits});
  const int top = std::max(kFewestUnits, over);
  const int width = static_cast<int>(frame.columns.size()) * frame.cell;
  const int height = static_cast<int>(frame.rows.size()) * frame.cell;
  return fmt::format(
      R"(<svg class="matrix" viewBox="0 0 {0} {1}" role="img">{2}{3}<image x="{4}" y="{5}" )"
      R"(width="{6}" height="{7}" preserveAspectRatio="none" href="{8}"/>)"
      R"(<text class="axis-name" x="4" y="14">{9} &#8594;</text>)"
      R"(<text class="axis-name" x="4" y="28">{10} &#8595;</text></svg>)",
      std::max(left + width + 4, names), top + height + 4, row_labels(frame, left, top),
      column_labels(frame, left, top), left, top, width, height, png_data_uri(cells),
      html_escape(frame.column_axis), html_escape(frame.row_axis));
}

std::string matrix_html(const MatrixFrame& frame, const Image& cells) {
  std::string svg = matrix_svg(frame, cells);
  const std::string_view before_size = "viewBox=\"0 0 ";
  const int width = std::atoi(svg.c_str() + svg.find(before_size) + before_size.size());
  svg.insert(svg.find("<svg") + 4,
             fmt::format(" style=\"width:{}px;min-width:{}px;max-width:100%\"", 2 * width, width));
  return "<div class=\"scroll\">" + svg + "</div>\n";
}

std::string_view matrix_style() {
  return R"(
svg.matrix image { image-rendering: pixelated; }
svg.matrix text { font: 9px ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
svg.matrix text.axis-name { font: 10px system-ui, sans-serif; }
svg.legend { max-width: 420px; margin: 0 0 6px; }
svg.legend text { font: 12px ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
)";
}

std::string root_scale_legend(const std::vector<double>& marks) {
  constexpr int kSteps = 128, kWidth = 400;
  std::array<float, kSteps> values{};
  for (int i = 0; i < kSteps; ++i)
    values[static_cast<size_t>(i)] = static_cast<float>(i) / (kSteps - 1);
  std::string svg =
      fmt::format(R"(<svg class="legend" viewBox="0 0 420 36" role="img"><image x="8" y="2" )"
                  R"(width="{}" height="14" preserveAspectRatio="none" href="{}"/>)",
                  kWidth, png_data_uri(heat_map(values, 1, kSteps, 0, 1, 1)));
  for (const double mark : marks) {
    svg += fmt::format(R"(<text x="{:.0f}" y="30" text-anchor="middle">{}</text>)",
                       8 + kWidth * std::sqrt(mark), mark);
  }
  return svg + "</svg>\n";
}

}  // namespace zoo
