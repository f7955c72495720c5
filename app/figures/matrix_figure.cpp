#include "app/figures/matrix_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "app/figures/html.h"

namespace zoo {
namespace {

// SVG units. A cell of the matrix is as high as a line of text.
constexpr int kCell = 12, kMostLabels = 72, kFewestUnits = 46;

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

/// Only every n-th label is shown.
size_t stride_of(const std::vector<std::string>& labels) {
  return (labels.size() + kMostLabels - 1) / kMostLabels;
}

int place_of(int margin, size_t label) {
  return margin + static_cast<int>(label) * kCell + kCell / 2;
}

std::string row_labels(const std::vector<std::string>& labels, int left, int top) {
  std::string svg;
  for (size_t i = 0; i < labels.size(); i += stride_of(labels)) {
    svg += fmt::format(
        R"(<text x="{}" y="{}" text-anchor="end" dominant-baseline="central">{}</text>)", left - 4,
        place_of(top, i), html_escape(labels[i]));
  }
  return svg;
}

std::string column_labels(const std::vector<std::string>& labels, int left, int top) {
  std::string svg;
  for (size_t i = 0; i < labels.size(); i += stride_of(labels)) {
    svg += fmt::format(R"svg(<text transform="translate({},{}) rotate(-90)" )svg"
                       R"(dominant-baseline="central">{}</text>)",
                       place_of(left, i), top - 4, html_escape(labels[i]));
  }
  return svg;
}

}  // namespace

std::string matrix_svg(const MatrixFrame& frame, const Image& cells) {
  // The axis names go in the corner.
  const int corner =
      20 + 6 * static_cast<int>(std::max(frame.row_axis.size(), frame.column_axis.size()));
  const int left = std::max({kFewestUnits, corner, room_for(frame.rows)});
  const int top = std::max(kFewestUnits, room_for(frame.columns));
  const int width = static_cast<int>(frame.columns.size()) * kCell;
  const int height = static_cast<int>(frame.rows.size()) * kCell;
  return fmt::format(
      R"(<svg class="matrix" viewBox="0 0 {0} {1}" role="img">{2}{3}<image x="{4}" y="{5}" )"
      R"(width="{6}" height="{7}" preserveAspectRatio="none" href="{8}"/>)"
      R"(<text class="axis-name" x="4" y="14">{9} &#8594;</text>)"
      R"(<text class="axis-name" x="4" y="28">{10} &#8595;</text></svg>)",
      left + width + 4, top + height + 4, row_labels(frame.rows, left, top),
      column_labels(frame.columns, left, top), left, top, width, height, png_data_uri(cells),
      html_escape(frame.column_axis), html_escape(frame.row_axis));
}

std::string_view matrix_style() {
  return R"(
svg.matrix image { image-rendering: pixelated; }
svg.matrix text { font: 9px ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
svg.matrix text.axis-name { font: 10px system-ui, sans-serif; }
.legend { max-width: 420px; margin: 0 0 6px; }
.legend text { font: 9px ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
)";
}

std::string root_scale_legend(const std::vector<double>& marks) {
  constexpr int kSteps = 128, kWidth = 400;
  std::array<float, kSteps> values{};
  for (int i = 0; i < kSteps; ++i)
    values[static_cast<size_t>(i)] = static_cast<float>(i) / (kSteps - 1);
  std::string svg =
      fmt::format(R"(<svg class="legend" viewBox="0 0 420 34" role="img"><image x="8" y="2" )"
                  R"(width="{}" height="14" preserveAspectRatio="none" href="{}"/>)",
                  kWidth, png_data_uri(heat_map(values, 1, kSteps, 0, 1, 1)));
  for (const double mark : marks) {
    svg += fmt::format(R"(<text x="{:.0f}" y="28" text-anchor="middle">{}</text>)",
                       8 + kWidth * std::sqrt(mark), mark);
  }
  return svg + "</svg>\n";
}

}  // namespace zoo
