// What a look inside a model found, whatever the question: numbers as JSON, matrices with labels as
// text, PNG and a page, curves as charts.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app/figures/chart.h"
#include "base/image.h"

namespace zoo {

struct LookTable {
  std::string name = {};   ///< of its PNG file
  std::string title = {};  ///< what it shows, and how to read it
  std::string row_axis = {}, column_axis = {};
  std::vector<std::string> rows = {}, columns = {};  ///< a label each
  torch::Tensor values = {};                         ///< [rows, columns]: the colours
  double low = 0, high = 1;                          ///< their ends
  /// What stands in the cells, and what a pointer over them shows; empty: the value.
  std::vector<std::vector<std::string>> cells = {}, hints = {};
  bool as_text = true;  ///< printed on the terminal as well
};

struct LookChart {
  std::string title = {};
  Chart chart = {};
};

struct LookResult {
  std::string name = {};    ///< of its files: "lens"
  std::string title = {};   ///< of the page
  std::string answer = {};  ///< in a sentence or two
  std::vector<LookTable> tables = {};
  std::vector<LookChart> charts = {};
  nlohmann::json json = {};
};

/// The answer and the tables, for a terminal.
std::string look_text(const LookResult& result);

/// A table as a picture: cells with their texts, labels, names of axes.
Image draw_table(const LookTable& table);

/// A self-contained page.
std::string look_page(const LookResult& result);

/// Throws std::runtime_error if the folder exists and holds anything but files of an earlier look.
void require_look_folder(const std::filesystem::path& folder);

/// Writes NAME.html, NAME.json and a PNG a table, and returns their paths. Writes the folder
/// atomically and replaces an earlier look.
std::vector<std::filesystem::path> write_look(const std::filesystem::path& folder,
                                              const LookResult& result);

/// "layer 0", "layer 1", ...
std::vector<std::string> numbered_labels(const std::string& name, int64_t count);

/// [R, C] -> a list of rows; NaN becomes null.
nlohmann::json matrix_json(const torch::Tensor& matrix);

/// Row and column of the largest entry that is a number.
std::pair<int64_t, int64_t> largest_entry(const torch::Tensor& matrix);

/// JSON as these programs print it: one line, whatever bytes a token has.
std::string json_line(const nlohmann::json& json);

}  // namespace zoo
