// Draws what each attention head looks at in one input, whatever the model:
//   attention_map --model runs/shakespeare --text "To be, or not to be" --out attention
//   attention_map --model bert --text "The cat sat." --pair "It slept." --out attention
//   attention_map --model runs/en-fr --source "I am cold." --out attention
//   attention_map --model vit --image cat.png --out attention
// Writes attention.html (open it in a browser), multi_head_attention_map.png and PNG files of each
// layer and head, and prints what pattern each head follows.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/run_app.h"
#include "base/text_table.h"
#include "infer/analysis/attention_page.h"
#include "infer/analysis/attention_pictures.h"

#include "infer/analysis/head_patterns.h"
#include "infer/analysis/looked_at.h"

namespace {

using nlohmann::json;
using Heads = std::vector<zoo::HeadRow>;

std::string head_name(int64_t layer, int64_t head) { return fmt::format("{}.{}", layer, head); }

void print_table(const zoo::AttentionMap& map, const Heads& heads) {
  std::vector<std::vector<std::string>> rows = {
      {"head", "pattern", "score", "entropy", "at most", "most like", "similarity"}};
  for (const auto& row : heads) {
    const bool alone = row.like_layer < 0, named = row.scores.pattern != zoo::HeadPattern::kMixed;
    rows.push_back({head_name(row.layer, row.head), describe(row.scores, map),
                    named ? fmt::format("{:.2f}", row.scores.score()) : "-",
                    fmt::format("{:.2f}", row.scores.entropy),
                    fmt::format("{:.2f}", row.scores.most_entropy),
                    alone ? "-" : head_name(row.like_layer, row.like_head),
                    alone ? "-" : fmt::format("{:.2f}", row.likeness)});
  }
  const auto widths = zoo::column_widths(rows, rows.front().size());
  std::cout << fmt::format("\n{} attention, {} heads (layer.head; entropy in bits)\n", map.name,
                           heads.size());
  for (const auto& row : rows) std::cout << zoo::table_line(row, widths, 2) << '\n';
}

json head_json(const zoo::AttentionMap& map, const zoo::HeadRow& row) {
  const auto& s = row.scores;
  json line = {{"layer", row.layer},
               {"head", row.head},
               {"pattern", zoo::name_of(s.pattern)},
               {"description", describe(s, map)},
               {"score", s.score()},
               {"entropy_bits", s.entropy},
               {"entropy_of_even_head_bits", s.most_entropy},
               {"diagonal", s.diagonal},
               {"offset", {{"by", s.by}, {"score", s.offset}}},
               {"anti_diagonal", {{"sum", s.sum}, {"score", s.anti_diagonal}}},
               {"vertical", {{"key", s.key}, {"score", s.vertical}}},
               {"block", {{"cut", s.cut}, {"score", s.block}}}};
  if (row.like_layer >= 0) {
    line["most_like"] = {
        {"layer", row.like_layer}, {"head", row.like_head}, {"similarity", row.likeness}};
  }
  return line;
}

void print_json(const zoo::ModelChoice& model, const zoo::AttentionMaps& maps,
                const std::vector<Heads>& heads, const std::vector<std::filesystem::path>& files) {
  json all = {{"model", model.folder.string()},
              {"input", maps.input},
              {"maps", json::array()},
              {"files", json::array()}};
  for (size_t n = 0; n < maps.maps.size(); ++n) {
    const auto& map = maps.maps[n];
    json lines = json::array();
    for (const auto& row : heads[n]) lines.push_back(head_json(map, row));
    all["maps"].push_back({{"name", map.name},
                           {"queries", map.queries},
                           {"keys", map.keys},
                           {"heads", std::move(lines)}});
  }
  for (const auto& file : files) all["files"].push_back(file.string());
  std::cout << all.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("attention_map", [&] {
    // Only "matmul" is sure to form the weights; another kernel may be asked for, and leaves them
    // to it.
    zoo::ModelChoice model{.attention = "matmul"};
    zoo::LookedAt input;
    std::filesystem::path out;
    bool as_json = false;
    zoo::CommandLine app{"Draws what each attention head looks at in one input", "attention_map"};
    zoo::add_model_options(app, model);
    zoo::add_input_options(app, input);
    zoo::make_required(
        zoo::add_option(app, "Output", "out", out, "Folder for the page and the pictures"));
    zoo::add_option(app, "Output", "json", as_json, "Print one JSON object instead of tables");
    zoo::set_help(
        app,
        {"attention_map --model runs/shakespeare --text \"To be, or not to be\" --out attention",
         "attention_map --model runs/mnist --image digit.png --out attention"});
    zoo::parse(app, argc, argv);
    zoo::require_map_folder(out);

    const auto maps = zoo::attention_maps(zoo::open_input(model, input));
    zoo::check_page(maps);
    std::vector<Heads> heads;
    for (const auto& map : maps.maps) heads.push_back(zoo::score_heads(map));
    const auto page = zoo::attention_page("Attention, head by head", maps, heads);
    const auto files = zoo::write_attention_map(out, page, maps);
    if (as_json) {
      print_json(model, maps, heads, files);
      return 0;
    }
    for (const auto& file : files) std::cout << file.string() << '\n';
    for (size_t n = 0; n < maps.maps.size(); ++n) print_table(maps.maps[n], heads[n]);
    return 0;
  });
}
