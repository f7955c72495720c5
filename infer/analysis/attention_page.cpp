// The page's data: weights as 16-bit numbers in base64, scores and labels as JSON.
#include "infer/analysis/attention_page.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "app/figures/heat_map.h"
#include "app/figures/html.h"
#include "app/figures/matrix_figure.h"
#include "base/base64.h"
#include "infer/analysis/attention_pictures.h"
#include "infer/vision/rollout_figure.h"

namespace zoo {
namespace {

using nlohmann::json;

constexpr int64_t kMostTokens = 512, kMostWeights = 8'000'000;

/// [L, H, T, S] as little-endian 16-bit: 0 to 65534 for weights 0 to 1, 65535 where it is masked or
/// the layer has no such head.
std::string packed_weights(const AttentionMap& map) {
  const int64_t L = std::ssize(map.layers), T = map.may_attend.size(0), S = map.may_attend.size(1);
  const auto levels = torch::full({L, map.heads(), T, S}, 65535, torch::kInt);
  for (int64_t n = 0; n < L; ++n) {
    const auto& layer = map.layers[static_cast<size_t>(n)];  // [H, T, S]
    levels[n].slice(0, 0, layer.size(0)).copy_((layer.to(torch::kDouble) * 65534).round());
  }
  levels.masked_fill_(map.may_attend.logical_not(), 65535);
  std::string bytes;
  bytes.reserve(static_cast<size_t>(levels.numel()) * 2);
  const auto* const values = levels.data_ptr<int32_t>();
  for (int64_t n = 0; n < levels.numel(); ++n) {
    bytes += static_cast<char>(values[n] & 0xFF);
    bytes += static_cast<char>(values[n] >> 8);
  }
  return encode_base64(bytes);
}

json head_data(const AttentionMap& map, const std::vector<HeadRow>& heads) {
  const auto H = static_cast<size_t>(map.heads());
  json rows(map.layers.size() * H, nullptr);  // null: the layer has no such head
  for (const HeadRow& row : heads) {
    const HeadScores& s = row.scores;
    rows[static_cast<size_t>(row.layer) * H + static_cast<size_t>(row.head)] = {
        {"pattern", name_of(s.pattern)},
        {"text", describe(s, map)},
        {"score", s.score()},
        {"bits", s.entropy},
        {"most", s.most_entropy},
        {"like", row.like_layer < 0 ? json() : json{row.like_layer, row.like_head, row.likeness}}};
  }
  return rows;
}

json map_data(const AttentionMap& map, const std::vector<HeadRow>& heads) {
  return {{"name", map.name},
          {"queryAxis", map.query_axis},
          {"keyAxis", map.key_axis},
          {"queries", map.queries},
          {"keys", map.keys},
          {"layers", map.layers.size()},
          {"headCount", map.heads()},
          {"prefix", map.prefix},
          {"rows", map.grid.rows},
          {"columns", map.grid.columns},
          {"heads", head_data(map, heads)},
          {"weights", packed_weights(map)}};
}

constexpr std::string_view kBody = R"(
<div class="bar">
<label>Map <select id="map"></select></label>
<label>Layer <select id="layer"></select></label>
<label>Head <select id="head"></select></label>
<label>Pattern <select id="pattern"></select></label>
<label>Token <input id="search" type="search" placeholder="search" autocomplete="off"></label>
<button id="enlarge" aria-pressed="false">Enlarge</button>
</div>
<p id="found" role="status"></p>
<details open><summary>All heads of this map</summary><div class="scroll"><div id="overview"></div></div></details>
<div class="view">
<figure class="card"><figcaption id="caption" aria-live="polite"></figcaption>
<div class="scroll"><canvas id="matrix" tabindex="0" role="img" aria-label="weights of the head"></canvas></div>
<p id="cell"></p>{}<p><span class="masked"></span>masked; colours follow the square root of the weight, so that
small ones show</p></figure>
<div class="card side"><h3 id="query"></h3><div id="picture"></div><p id="tokens"></p>
<table><tbody id="best"></tbody></table></div>
</div>
<div id="tip" hidden></div>
)";

constexpr std::string_view kHelp = R"(
<details><summary>How to read this page, and keys</summary>
<p>Each row of the square is a query: the token that looks. Each column is a key: the token looked at. A
row's weights sum to 1; the brighter a cell, the larger its weight; grey cells are masked. Entropy says
how widely a head looks: 0 bits is one token. A pattern's score is 1 if all attention is on it, 0 if it
is no more than that of a head that sees all keys alike.</p>
<p><kbd>&larr;</kbd> <kbd>&rarr;</kbd> head, <kbd>&uarr;</kbd> <kbd>&darr;</kbd> layer, <kbd>j</kbd>
<kbd>k</kbd> next and previous query, <kbd>m</kbd> next map, <kbd>e</kbd> enlarge, <kbd>Esc</kbd> back,
<kbd>/</kbd> search; a click on a small square shows that head with labels, two enlarge it. On the large
square a pointer reads a cell, a click holds its row, a second one lets it go.</p></details>
)";

}  // namespace

void check_page(const AttentionMaps& maps) {
  int64_t weights = 0;
  for (const auto& map : maps.maps) {
    const int64_t T = map.may_attend.size(0), S = map.may_attend.size(1);
    if (std::max(T, S) > kMostTokens) {
      throw std::runtime_error(
          fmt::format("{} tokens are more than a page can show ({}); give a shorter input",
                      std::max(T, S), kMostTokens));
    }
    weights += std::ssize(map.layers) * map.heads() * T * S;
  }
  if (weights <= kMostWeights) return;
  throw std::runtime_error(fmt::format(
      "{} weights of all heads are more than a page can show ({} million); give an "
      "input of at most {:.0f} % of the tokens",
      weights, kMostWeights / 1'000'000,
      100 * std::sqrt(static_cast<double>(kMostWeights) / static_cast<double>(weights))));
}

std::string attention_page(const std::string& title, const AttentionMaps& maps,
                           const std::vector<std::vector<HeadRow>>& heads) {
  check_page(maps);
  json data = {{"maps", json::array()}};
  for (size_t n = 0; n < maps.maps.size(); ++n)
    data["maps"].push_back(map_data(maps.maps[n], heads.at(n)));
  const AttentionMap* patches = patches_of(maps);
  if (patches != nullptr && maps.picture.width > 0) {
    data["picture"] = png_data_uri(maps.picture);
  }
  std::string body = fmt::format("<h1>{}</h1>\n<p class=\"text\">{}</p>\n", html_escape(title),
                                 html_escape(maps.input));
  body += fmt::format(kBody, root_scale_legend({0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0}));
  if (data.contains("picture")) {
    body +=
        "<h2>Rollout</h2>\n<p>How much of what the model reads last came from each patch, over all "
        "layers and heads (Abnar &amp; Zuidema 2020).</p>\n" +
        rollout_html(maps.picture, rollout_shares(*patches));
  }
  body += kHelp;
  body += fmt::format("<noscript><img src=\"{}\" alt=\"all heads\"></noscript>\n",
                      png_data_uri(draw_all_heads(maps)));
  body += html_data("data", data.dump(-1, ' ', false, json::error_handler_t::replace));
  const std::string style = std::string(matrix_style()) + std::string(rollout_style());
  return html_page(title, style + std::string(attention_page_style()), body,
                   attention_page_script());
}

}  // namespace zoo
