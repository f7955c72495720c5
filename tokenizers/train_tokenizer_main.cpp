// Makes a tokenizer from text files:
//   train_tokenizer --kind byte-bpe --vocab-size 1000 --out runs/bpe data/tinyshakespeare/input.txt
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

#include "app/cli.h"
#include "app/progress_bar.h"
#include "app/run_app.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/note.h"
#include "base/printable.h"
#include "tokenizers/training/trainers.h"

namespace {

namespace fs = std::filesystem;

/// Where the folder will stand, which must be new or empty: links followed, so that the folder
/// behind one is filled and not the link replaced.
fs::path place_of(const std::string& out) {
  std::error_code error;
  const auto refuse = [&](const std::string& why) {
    throw std::runtime_error(fmt::format("--out {}: {}", out, why));
  };
  const fs::path place = fs::weakly_canonical(fs::absolute(out), error);
  if (error) refuse(error.message());
  if (fs::exists(place, error) && !fs::is_directory(place, error)) {
    refuse("a file of that name is in the way");
  }
  if (fs::is_directory(place, error) && !fs::is_empty(place, error)) {
    refuse("the folder is not empty; name a new one, or remove it first");
  }
  if (place == fs::current_path(error)) {
    refuse("the working folder cannot be replaced by a finished one; name another");
  }
  return place;
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

/// A bar for each stage, and the traced merges on standard output.
class Watch {
 public:
  zoo::TrainingWatch callbacks() {
    return {.progress = [this](std::string_view stage, int64_t done,
                               int64_t total) { show(stage, done, total); },
            .trace =
                [this](const std::string& line) {
                  stop_if_asked();
                  finish();
                  fmt::print("{}\n", line);
                }};
  }
  void finish() {
    if (bar_) bar_->finish();
    bar_.reset();
  }
  static void stop_if_asked() {
    if (zoo::InterruptGuard::requested()) {
      throw std::runtime_error("interrupted; nothing was written");
    }
  }

 private:
  void show(std::string_view stage, int64_t done, int64_t total) {
    stop_if_asked();
    if (stage != stage_) {
      finish();
      stage_ = stage;
      bar_.emplace(stage_, total);
    }
    bar_->update(done, "");
  }
  std::string stage_;
  std::optional<zoo::ProgressBar> bar_;
};

/// A text may not have as many pieces as were asked for.
void say_if_smaller(const zoo::TokenizerTraining& options, int32_t ids) {
  if (ids >= zoo::wanted_vocab_size(options)) return;
  zoo::note(fmt::format(
      "{} ids instead of {}: no pair of pieces is left that occurs in the text {}", ids,
      zoo::wanted_vocab_size(options),
      options.min_frequency > 1 ? fmt::format("{} times (--min-frequency)", options.min_frequency)
                                : "at all"));
}

int train(const zoo::TokenizerTraining& options, const std::string& out,
          const std::vector<std::string>& files) {
  zoo::PendingFolder folder(place_of(out));  // before the work: it must be writable
  const auto began = std::chrono::steady_clock::now();
  zoo::note(fmt::format("training {} on {:.2f} MB in {} file{} ...", zoo::name_of(options.kind),
                        static_cast<double>(total_size(files)) / 1e6, files.size(),
                        files.size() == 1 ? "" : "s"));
  std::optional<zoo::InterruptGuard> guard;  // Ctrl-C waits for a place to stop
  if (zoo::is_merging(options.kind)) guard.emplace();
  Watch watch;
  const auto tokenizer =
      zoo::train_tokenizer(options, {files.begin(), files.end()}, watch.callbacks());
  watch.finish();
  if (guard) watch.stop_if_asked();
  if (guard) say_if_smaller(options, tokenizer->vocab_size());
  tokenizer->save(folder.path());
  folder.commit();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print("{}: {} ids in {}, in {}, fingerprint {:016x}\n", tokenizer->kind(),
             tokenizer->vocab_size(), out, zoo::format_duration(took.count()),
             zoo::fingerprint(*tokenizer));
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
    zoo::add_texts(app, "files", files, "UTF-8 text files")->required();
    zoo::set_help(app, {"train_tokenizer --kind byte-bpe --vocab-size 1000 --out runs/bpe "
                        "data/tinyshakespeare/input.txt",
                        "train_tokenizer --kind bpe --vocab-size 40 --trace 10 --out runs/class "
                        "class.txt"});
    zoo::parse(app, argc, argv);
    return train(options, out, files);
  });
}
