// The page of attention_map.h: one figure a head, drawn as SVG around a small picture.
#include <fmt/format.h>

#include "app/figures/html.h"
#include "app/figures/matrix_figure.h"
#include "infer/analysis/attention_map.h"

namespace zoo {
namespace {

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
.text { font: 13.5px/1.5 ui-monospace, monospace; color: var(--ink); overflow-wrap: anywhere; }
)";

std::string head_figure(size_t layer, int64_t head, const torch::Tensor& weights,
                        const MatrixFrame& frame) {
  const HeadSummary s = summarise_head(weights);
  const std::string id = fmt::format("layer-{}-head-{}", layer, head);
  return fmt::format(
      R"(<figure class="card" id="{0}"><figcaption><a class="smaller" href="#layer-{8}">)"
      R"(smaller</a><b>Head {1}</b> <span>&middot; entropy {2:.2f} of {3:.2f} bits &middot; )"
      R"(self {4:.2f}, previous {5:.2f}, first {6:.2f}</span></figcaption>)"
      R"(<a href="#{0}">{7}</a></figure>)"
      "\n",
      id, head, s.entropy, s.most_entropy, s.to_self, s.to_previous, s.to_first,
      matrix_svg(frame, draw_head(weights, 1)), layer);
}

}  // namespace

std::string attention_page(std::string_view title, const std::vector<std::string>& labels,
                           const std::vector<torch::Tensor>& layers) {
  std::string text;
  for (const std::string& label : labels) text += label + " ";
  std::string body = fmt::format("<h1>{}</h1>\n", html_escape(title));
  body += fmt::format(
      "<p class=\"text\">{}</p>\n<p>Each row is a query: the token that attends. Each column is a "
      "key: the token attended to. A row's weights sum to 1; a query's future is masked, and grey. "
      "Entropy measures how widely a head attends: 0 bits is one token, the number after it is all "
      "visible tokens alike. "
      "Self, previous and first are the shares of attention that go to the token itself, to the "
      "one before "
      "it and to the first of the text (means over all queries but the first). Click a head to "
      "enlarge it.</p>\n{}",
      html_escape(text), root_scale_legend({0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0}));
  const MatrixFrame frame{labels, labels, "query", "key"};
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    body += fmt::format("<h2 id=\"layer-{0}\">Layer {0}</h2>\n<div class=\"heads\">\n", layer);
    for (int64_t head = 0; head < layers[layer].size(0); ++head) {
      body += head_figure(layer, head, layers[layer][head], frame);
    }
    body += "</div>\n";
  }
  return html_page(title, std::string(matrix_style()) + std::string(kStyle), body);
}

}  // namespace zoo
