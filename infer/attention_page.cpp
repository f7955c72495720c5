// The page of attention_map.h: one figure a head, drawn as SVG around a small picture.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "app/html.h"
#include "infer/attention_map.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

// Units of a figure's SVG: a cell of the matrix is as high as a line of its labels.
constexpr int kCell = 12, kMostLabels = 72;

constexpr std::string_view kStyle = R"(
body { max-width: 1500px; }
p { max-width: 46rem; margin: 0 0 10px; color: var(--muted); }
.heads { display: grid; gap: 14px; grid-auto-flow: dense;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); }
figure { margin: 0; padding: 10px; scroll-margin-top: 10px; }
figure:target { grid-column: 1 / -1; }
figure:target svg { max-height: 88vh; }
figure a { color: inherit; text-decoration: none; cursor: zoom-in; }
figure a.smaller { display: none; cursor: zoom-out; float: right; color: var(--train); }
figure:target a.smaller { display: inline; }
figcaption { font-size: 0.85rem; font-variant-numeric: tabular-nums; margin-bottom: 6px; }
figcaption b { color: var(--ink); }
figcaption span { color: var(--muted); }
svg image { image-rendering: pixelated; }
svg text { font: 9px ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
svg text.axis { font: 10px system-ui, sans-serif; }
.legend { max-width: 420px; margin: 0 0 6px; }
.text { font: 13.5px/1.5 ui-monospace, monospace; color: var(--ink); overflow-wrap: anywhere; }
)";

/// Room for the longest label beside and above the matrix, and for the axes' names in the corner.
int margin_for(const std::vector<std::string>& labels) {
  int widest = 0;
  for (const std::string& label : labels) {
    int width = 0;
    for (size_t at = 0; at < label.size();) {
      const auto c = utf8::first(std::string_view(label).substr(at));
      width += c.code < 0x1100 ? 6 : 10;  // from there on most scripts are drawn twice as wide
      at += c.size;
    }
    widest = std::max(widest, width);
  }
  return std::max(46, widest + 8);
}

std::string labels_svg(const std::vector<std::string>& labels, int margin) {
  const int T = static_cast<int>(labels.size());
  const int stride =
      (T + kMostLabels - 1) / kMostLabels;  // all of them, until they would be too many
  std::string svg;
  for (int t = 0; t < T; t += stride) {
    const int at = margin + t * kCell + kCell / 2;
    const std::string text = html_escape(labels[static_cast<size_t>(t)]);
    svg += fmt::format(
        R"(<text x="{}" y="{}" text-anchor="end" dominant-baseline="central">{}</text>)",
        margin - 4, at, text);
    svg += fmt::format(R"svg(<text transform="translate({},{}) rotate(-90)" )svg"
                       R"(dominant-baseline="central">{}</text>)",
                       at, margin - 4, text);
  }
  return svg;
}

/// One head with its axes; the picture has one pixel a cell and is scaled by the browser.
std::string head_svg(const torch::Tensor& weights, const std::string& labels, int margin) {
  const auto T = static_cast<int>(weights.size(0));
  const int side = T * kCell, size = margin + side + 4;
  return fmt::format(
      R"(<svg viewBox="0 0 {0} {0}" role="img">{1}<image x="{2}" y="{2}" width="{3}" height="{3}" )"
      R"(preserveAspectRatio="none" href="{4}"/><text class="axis" x="4" y="14">key &#8594;</text>)"
      R"(<text class="axis" x="4" y="28">query &#8595;</text></svg>)",
      size, labels, margin, side, png_data_uri(draw_head(weights, 1)));
}

std::string head_figure(size_t layer, int64_t head, const torch::Tensor& weights,
                        const std::string& labels, int margin) {
  const HeadSummary s = summarise_head(weights);
  const std::string id = fmt::format("layer-{}-head-{}", layer, head);
  return fmt::format(
      R"(<figure class="card" id="{0}"><figcaption><a class="smaller" href="#layer-{8}">)"
      R"(smaller</a><b>Head {1}</b> <span>&middot; entropy {2:.2f} of {3:.2f} bits &middot; )"
      R"(self {4:.2f}, previous {5:.2f}, first {6:.2f}</span></figcaption>)"
      R"(<a href="#{0}">{7}</a></figure>)"
      "\n",
      id, head, s.entropy, s.most_entropy, s.to_self, s.to_previous, s.to_first,
      head_svg(weights, labels, margin), layer);
}

std::string legend_svg() {
  constexpr int kSteps = 128, kWidth = 400;
  std::array<float, kSteps> values;
  for (int i = 0; i < kSteps; ++i)
    values[static_cast<size_t>(i)] = static_cast<float>(i) / (kSteps - 1);
  std::string svg =
      fmt::format(R"(<svg class="legend" viewBox="0 0 420 34" role="img"><image x="8" y="2" )"
                  R"(width="{}" height="14" preserveAspectRatio="none" href="{}"/>)",
                  kWidth, png_data_uri(heat_map(values, 1, kSteps, 0, 1, 1)));
  for (const double weight : {0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0}) {
    svg += fmt::format(R"(<text x="{:.0f}" y="28" text-anchor="middle">{}</text>)",
                       8 + kWidth * std::sqrt(weight), weight);
  }
  return svg + "</svg>\n";
}

}  // namespace

std::string attention_page(std::string_view title, const std::vector<std::string>& labels,
                           const std::vector<torch::Tensor>& layers) {
  std::string text;
  for (const std::string& label : labels) text += label + " ";
  std::string body = fmt::format("<h1>{}</h1>\n", html_escape(title));
  body += fmt::format(
      "<p class=\"text\">{}</p>\n<p>Each row is a query: the token that looks. Each column is a "
      "key: the token "
      "looked at. A row's weights sum to 1; what lies in a query's future is grey, because it may "
      "not be seen. "
      "Entropy says how widely a head looks: 0 bits is one token, the number after it is all "
      "visible ones alike. "
      "Self, previous and first are the shares of attention that go to the token itself, to the "
      "one before "
      "it and to the first of the text (means over all queries but the first). Click a head to "
      "enlarge it.</p>\n{}",
      html_escape(text), legend_svg());
  const int margin = margin_for(labels);
  const std::string axes = labels_svg(labels, margin);
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    body += fmt::format("<h2 id=\"layer-{0}\">Layer {0}</h2>\n<div class=\"heads\">\n", layer);
    for (int64_t head = 0; head < layers[layer].size(0); ++head) {
      body += head_figure(layer, head, layers[layer][head], axes, margin);
    }
    body += "</div>\n";
  }
  return html_page(title, kStyle, body);
}

}  // namespace zoo
