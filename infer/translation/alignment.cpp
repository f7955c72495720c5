#include "infer/translation/alignment.h"

#include <fmt/format.h>

#include "app/figures/html.h"

namespace zoo {
namespace {

constexpr std::string_view kStyle = R"(
body { max-width: 1100px; }
figure { margin: 0 0 14px; padding: 10px; }
figcaption { margin-bottom: 6px; overflow-wrap: anywhere; }
p { max-width: 46rem; color: var(--muted); }
)";

std::string joined(const std::vector<std::string>& labels) {
  std::string text;
  for (const auto& label : labels) text += (text.empty() ? "" : " ") + label;
  return html_escape(text);
}

}  // namespace

std::string alignment_html(const Alignment& alignment, const std::string& source_language,
                           const std::string& target_language) {
  const auto shown = alignment.weights.clamp(0, 1).sqrt().contiguous();
  const auto count = static_cast<size_t>(shown.numel());
  const Image cells = heat_map({shown.data_ptr<float>(), count}, static_cast<int>(shown.size(0)),
                               static_cast<int>(shown.size(1)), 0, 1, /*cell=*/1);
  return matrix_html({.rows = alignment.target,
                      .columns = alignment.source,
                      .row_axis = target_language,
                      .column_axis = source_language},
                     cells);
}

std::string alignment_page(const std::vector<Alignment>& alignments,
                           const std::string& source_language, const std::string& target_language) {
  std::string body =
      "<h1>Alignment</h1>\n<p>Each row is a token of the translation, each column a token of the "
      "source. The brighter a cell, the more the decoder attended to that source token while "
      "it wrote the token of the row; a row's weights sum to 1.</p>\n" +
      root_scale_legend({0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0});
  for (const auto& alignment : alignments) {
    body += fmt::format("<figure class=\"card\"><figcaption>{}<br>{}</figcaption>{}</figure>\n",
                        joined(alignment.source), joined(alignment.target),
                        alignment_html(alignment, source_language, target_language));
  }
  return html_page("Alignment", std::string(matrix_style()) + std::string(kStyle), body);
}

}  // namespace zoo
