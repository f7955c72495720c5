// Makes a tokenizer from text files:
//   train_tokenizer --kind sentencepiece-bpe --vocab-size 1000 --out runs/bpe
//   data/tinyshakespeare/input.txt
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "app/cli.h"
#include "app/files.h"
#include "app/progress_bar.h"
#include "app/run_app.h"
#include "tokenizers/training/trainers.h"

namespace {

namespace fs = std::filesystem;

/// Before the work, not after it: the folder must be new or empty, and writable.
void prepare(const fs::path& out) {
  std::error_code error;
  if (fs::exists(out, error) && !fs::is_directory(out, error)) {
    throw std::runtime_error(
        fmt::format("--out {}: a file of that name is in the way", out.string()));
  }
  if (fs::is_directory(out, error) && !fs::is_empty(out, error)) {
    throw std::runtime_error(fmt::format(
        "--out {}: the folder is not empty; name a new one, or remove it first", out.string()));
  }
  fs::create_directories(out, error);
  if (error) throw std::runtime_error(fmt::format("--out {}: {}", out.string(), error.message()));
}

uintmax_t total_size(const std::vector<std::string>& files) {
  uintmax_t bytes = 0;
  for (const std::string& file : files) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (!error) bytes += size;
  }
  return bytes;
}

int train(const zoo::TokenizerTraining& options, const std::string& out,
          const std::vector<std::string>& files) {
  const bool made_here = !fs::exists(out);
  prepare(out);
  const auto began = std::chrono::steady_clock::now();
  fmt::print(stderr, "training {} on {:.2f} MB in {} file{} ...\n", zoo::name_of(options.kind),
             static_cast<double>(total_size(files)) / 1e6, files.size(),
             files.size() == 1 ? "" : "s");
  try {
    const auto tokenizer = zoo::train_tokenizer(options, {files.begin(), files.end()});
    tokenizer->save(out);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    fmt::print("{}: {} ids in {}, in {}, fingerprint {:016x}\n", tokenizer->kind(),
               tokenizer->vocab_size(), out, zoo::format_duration(took.count()),
               zoo::fingerprint(*tokenizer));
  } catch (...) {
    std::error_code ignored;
    if (made_here) fs::remove(out, ignored);  // only where nothing was written into it
    throw;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("train_tokenizer", [&]() -> int {
    CLI::App app{"Makes a tokenizer from UTF-8 text files."};
    zoo::TokenizerTraining options;
    std::string out;
    std::vector<std::string> files;
    zoo::add_options(app, "Tokenizer", options);
    app.get_option("--kind")->required()->default_str("");
    app.add_option("--out", out, "Folder for the tokenizer's files; new or empty")->required();
    app.add_option("files", files, "UTF-8 text files")->required();
    zoo::parse(app, argc, argv);
    return train(options, out, files);
  });
}
