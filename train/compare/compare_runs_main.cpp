// Compares training runs: one table, and one page with their curves over each other.
//   compare_runs runs/gpt-1 runs/gpt-2
//   compare_runs runs --metric bits_per_byte --out runs/compared
#include <fmt/format.h>

#include <string>
#include <vector>

#include "app/cli.h"
#include "app/run_app.h"
#include "base/usage_error.h"
#include "train/compare/comparison.h"
#include "train/compare/comparison_page.h"

int main(int argc, char** argv) {
  return zoo::run_app("compare_runs", [&] {
    std::vector<std::string> folders;
    std::string metric, out;
    bool json = false;
    zoo::CommandLine app{
        "Compares training runs: what differs in their options, and what came of it",
        "compare_runs"};
    zoo::add_texts(app, "DIR", folders, "Run folders, or folders of run folders");
    zoo::add_option(app, "Comparison", "metric", metric,
                    "Compare by this one of their metrics (default: the one that judges the runs)");
    zoo::add_option(app, "Output", "out", out, "Also write comparison.html into this folder");
    zoo::add_option(app, "Output", "json", json, "Print one JSON object instead of the table");
    zoo::set_help(app, {"compare_runs runs --out runs/compared",
                        "compare_runs runs/a runs/b --metric accuracy"});
    zoo::parse(app, argc, argv);
    if (folders.empty()) throw zoo::UsageError("name one or more run folders, see --help");
    const zoo::Comparison comparison = zoo::compare_runs(zoo::read_runs(folders), metric);
    std::vector<std::string> files;
    if (!out.empty()) files.push_back(zoo::write_comparison(comparison, out).string());
    if (json) {
      fmt::print("{}", comparison_json(comparison, files));
      return 0;
    }
    fmt::print("{}\n", comparison_table(comparison));
    if (files.empty())
      fmt::print("add --out FOLDER for a page with the curves\n");
    else
      fmt::print("page        {}\n", files.front());
    return 0;
  });
}
