// Times one tokenizer inside one process, for tokenizer_speed.py: no start-up, no input and output.
//   tokenizer_bench --tokenizer FOLDER --text FILE [--threads N] [--repeats N]
// Prints one JSON object: ids, and for each repeat the seconds for the text as a whole (one thread)
// and line by line (N threads).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli.h"
#include "app/run_app.h"
#include "base/files.h"
#include "tokenizers/batch.h"
#include "tokenizers/tokenizer.h"

namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

template <class Work>
double seconds(Work work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

int run(const std::string& folder, const std::string& file, int threads, int repeats) {
  const auto tokenizer = zoo::load_tokenizer(folder);
  const std::string text = zoo::read_file(file);
  const std::vector<std::string_view> lines = lines_of(text);
  nlohmann::json result = {{"bytes", text.size()}, {"whole", {}}, {"lines", {}}};
  for (int i = 0; i < repeats; ++i) {
    size_t whole = 0, by_line = 0;
    result["whole"].push_back(seconds([&] { whole = tokenizer->ids(text).size(); }));
    result["lines"].push_back(seconds([&] {
      for (const auto& ids : zoo::encode_all(*tokenizer, lines, threads)) by_line += ids.size();
    }));
    result["ids"] = {{"whole", whole}, {"lines", by_line}};
  }
  fmt::print("{}\n", result.dump());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("tokenizer_bench", [&]() -> int {
    CLI::App app{"Times one tokenizer."};
    std::string folder, file;
    int threads = 1, repeats = 5;
    app.add_option("--tokenizer", folder, "Folder with the tokenizer's files")->required();
    app.add_option("--text", file, "UTF-8 text")->required();
    app.add_option("--threads", threads, "Threads for the lines");
    app.add_option("--repeats", repeats, "Times");
    zoo::parse(app, argc, argv);
    return run(folder, file, threads, repeats);
  });
}
