#include "train/gpt/gpt_text.h"

#include <fmt/format.h>

#include <optional>
#include <random>
#include <utility>

#include "app/progress_bar.h"
#include "train/data/text_corpus.h"
#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTokensFile = "text.tokens";

TextSplit opened(const fs::path& tokens, const Tokenizer& tokenizer, double validation_share) {
  auto stream = std::make_shared<TokenStream>(tokens);
  stream->require_tokenizer(fingerprint(tokenizer), static_cast<uint64_t>(tokenizer.vocab_size()));
  return split_text(std::move(stream), validation_share);
}

void encode(const std::vector<fs::path>& files, const Tokenizer& tokenizer, const fs::path& out) {
  std::optional<ProgressBar> bar;
  encode_text(files, tokenizer, out, [&](int64_t done, int64_t total) {
    if (done == 0)
      bar.emplace("encoding the text", total);
    else
      bar->update(done, "");
  });
  bar->finish();
}

}  // namespace

bool is_token_stream(const fs::path& path) { return path.extension() == ".tokens"; }

void encode_new_text(const std::string& data, const Tokenizer& tokenizer,
                     const fs::path& run_folder) {
  const auto files = text_files(data);
  if (!is_token_stream(data)) encode(files, tokenizer, run_folder / kTokensFile);
}

TextSplit open_new_text(const std::string& data, const Tokenizer& tokenizer,
                        double validation_share, const fs::path& run_folder) {
  const bool has_ids = is_token_stream(data);
  return opened(has_ids ? fs::path(data) : run_folder / kTokensFile, tokenizer, validation_share);
}

TextSplit open_text(const std::string& data, const Tokenizer& tokenizer, double validation_share,
                    const TrainCommand& command) {
  const fs::path folder = command.source();
  const fs::path encoded = run_of(folder).value_or(folder) / kTokensFile;
  if (!command.has("data") && fs::exists(encoded))
    return opened(encoded, tokenizer, validation_share);
  const fs::path temporary =
      fs::temp_directory_path() / fmt::format("zoo-{:08x}.tokens", std::random_device{}());
  const auto files = text_files(data);
  if (is_token_stream(data)) return opened(data, tokenizer, validation_share);
  encode(files, tokenizer, temporary);
  auto text = opened(temporary, tokenizer, validation_share);
  fs::remove(temporary);  // the mapping stays
  return text;
}

}  // namespace zoo
