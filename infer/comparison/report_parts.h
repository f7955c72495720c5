// What the reports on kernels and on mixers have in common: tables of which a row may say only why
// there is nothing to measure, and the machine in JSON.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "infer/comparison/attention_comparison.h"

namespace zoo {

/// The first row holds the headings. A row whose second cell is empty shows its first and its last:
/// the name, and the reason.
using ReportRows = std::vector<std::vector<std::string>>;

/// For a terminal, two spaces before each line.
std::string report_text(const ReportRows& rows);
/// For a page, in a box that scrolls.
std::string report_html(const ReportRows& rows);
nlohmann::ordered_json machine_json(const Machine& machine);

}  // namespace zoo
