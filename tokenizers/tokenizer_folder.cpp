// Which class reads a folder, and which files belong to a tokenizer.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "app/files.h"
#include "app/text_file.h"
#include "tokenizers/character.h"
#include "tokenizers/families/bert_files.h"
#include "tokenizers/families/byte_bpe_files.h"
#include "tokenizers/families/tiktoken_files.h"
#include "tokenizers/json_fields.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/sentencepiece/marian.h"
#include "tokenizers/sentencepiece/sentencepiece.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/tokenizer_json.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

// What transformers and the zoo put beside a model; *.model and *.tiktoken come to these.
constexpr std::string_view kTokenizerFiles[] = {"tokenizer.json",
                                                "tokenizer_config.json",
                                                "special_tokens_map.json",
                                                "added_tokens.json",
                                                "vocab.json",
                                                "merges.txt",
                                                "vocab.txt",
                                                "source.spm",
                                                "target.spm"};

std::vector<fs::path> files_ending(const fs::path& folder, const char* extension) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension && entry.is_regular_file() &&
        !is_system_name(entry.path())) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// The folder's *.model files, the usual names first.
std::vector<fs::path> model_files(const fs::path& folder) {
  std::vector<fs::path> found = files_ending(folder, ".model");
  for (const char* name : {"sentencepiece.bpe.model", "spiece.model", "tokenizer.model"}) {
    const auto usual = std::find(found.begin(), found.end(), folder / name);
    if (usual != found.end()) std::rotate(found.begin(), usual, usual + 1);
  }
  return found;
}

/// Runs `read` and puts the file's name before what it complains of.
template <class Read>
std::unique_ptr<Tokenizer> reading(const fs::path& file, Read read) {
  try {
    return read();
  } catch (const nlohmann::json::exception&) {
    throw std::runtime_error(fmt::format(
        "{}: a part that a tokenizer.json must have is missing or of another type", file.string()));
  } catch (const std::exception& error) {
    throw std::runtime_error(
        fmt::format("{}: {}", file.string(), fields::on_one_line(error.what())));
  }
}

using Made = std::unique_ptr<Tokenizer>;

bool has(const fs::path& folder, const char* name) {
  std::error_code ignored;
  return fs::is_regular_file(folder / name, ignored);
}

/// The file's text, or nothing where there is none.
std::string text_of(const fs::path& file) {
  std::error_code ignored;
  return fs::is_regular_file(file, ignored) ? read_file(file) : std::string();
}

/// tokenizer_config.json, or special_tokens_map.json, which names the same roles.
std::string config_of(const fs::path& folder) {
  const std::string config = text_of(folder / "tokenizer_config.json");
  return config.empty() ? text_of(folder / "special_tokens_map.json") : config;
}

Made load_json(const fs::path& folder) {
  const fs::path file = folder / "tokenizer.json";
  const std::vector<fs::path> models = model_files(folder);
  return reading(file, [&]() -> Made {
    std::string document = read_file(file);
    const nlohmann::json parsed = parse_tokenizer_json(document);
    if (CharacterTokenizer::accepts(parsed)) return CharacterTokenizer::from_json(parsed);
    if (!models.empty()) {
      std::string model = read_file(models.front());
      if (SentencePieceTokenizer::accepts(model, parsed)) {
        return std::make_unique<SentencePieceTokenizer>(std::move(model), parsed);
      }
    }
    return std::make_unique<PipelineTokenizer>(std::move(document), config_of(folder));
  });
}

Made load_marian(const fs::path& folder, const LoadOptions& options) {
  return reading(folder / "vocab.json", [&]() -> Made {
    const auto side =
        options.target ? MarianTokenizer::Side::kTarget : MarianTokenizer::Side::kSource;
    return std::make_unique<MarianTokenizer>(
        read_file(folder / "source.spm"), read_file(folder / "target.spm"),
        read_file(folder / "vocab.json"), text_of(folder / "tokenizer_config.json"), side);
  });
}

/// A tokenizer.json made of a family's older files.
Made load_document(const fs::path& file, const std::function<std::string()>& document) {
  return reading(file, [&]() -> Made {
    return std::make_unique<PipelineTokenizer>(document(), config_of(file.parent_path()));
  });
}

Made load_tiktoken(const fs::path& file) {
  return load_document(
      file, [&] { return tiktoken_document(read_file(file), tiktoken_encoding_of(file)).dump(); });
}

/// *.model: SentencePiece's, or Llama 3's ranks.
Made load_model(const fs::path& file) {
  std::string model = read_file(file);
  if (is_tiktoken(model)) return load_tiktoken(file);
  return reading(
      file, [&]() -> Made { return std::make_unique<SentencePieceTokenizer>(std::move(model)); });
}

std::string listing(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  constexpr size_t kShown = 8;
  const size_t more = names.size() > kShown ? names.size() - kShown : 0;
  names.resize(names.size() - more);
  if (names.empty()) return "nothing";
  return fmt::format("{}{}", fmt::join(names, ", "), more ? fmt::format(" and {} more", more) : "");
}

}  // namespace

bool has_two_sides(const fs::path& folder) {
  return has(folder, "source.spm") && has(folder, "target.spm") && has(folder, "vocab.json");
}

Made load_tokenizer(const fs::path& folder, const LoadOptions& options) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw std::runtime_error(
        fmt::format("tokenizer folder {}: {}", folder.string(),
                    fs::exists(folder, ignored)
                        ? "not a folder; name the folder that holds the tokenizer's files"
                        : "no such folder; train_tokenizer makes one"));
  }
  const bool marian = has_two_sides(folder);
  if (options.target && !marian) {
    throw std::runtime_error(
        fmt::format("tokenizer folder {}: it has no target side (source.spm, target.spm and "
                    "vocab.json); leave --target out",
                    folder.string()));
  }
  if (fs::exists(folder / "tokenizer.json", ignored)) return load_json(folder);
  if (marian) return load_marian(folder, options);
  if (const auto models = model_files(folder); !models.empty()) return load_model(models.front());
  if (has(folder, "vocab.json") && has(folder, "merges.txt")) {
    return load_document(folder / "vocab.json",
                         [&] { return read_byte_bpe_folder(folder).dump(); });
  }
  if (has(folder, "vocab.txt")) {
    return load_document(folder / "vocab.txt", [&] {
      return bert_document(read_file(folder / "vocab.txt"), config_of(folder));
    });
  }
  const std::vector<fs::path> ranks = files_ending(folder, ".tiktoken");
  if (ranks.size() == 1) return load_tiktoken(ranks.front());
  throw std::runtime_error(
      fmt::format("tokenizer folder {}: expected tokenizer.json, a SentencePiece .model file, "
                  "vocab.json with merges.txt, vocab.txt, or one .tiktoken file; found {}",
                  folder.string(), listing(folder)));
}

void copy_tokenizer_files(const fs::path& from, const fs::path& to) {
  std::error_code ignored;
  if (!fs::is_directory(from, ignored)) {
    throw std::runtime_error(fmt::format("tokenizer folder {}: no such folder", from.string()));
  }
  std::vector<fs::path> files = model_files(from);
  for (fs::path& file : files_ending(from, ".tiktoken")) files.push_back(std::move(file));
  for (const std::string_view name : kTokenizerFiles) {
    if (fs::is_regular_file(from / name, ignored)) files.push_back(from / name);
  }
  if (files.empty()) {
    throw std::runtime_error(fmt::format("tokenizer folder {}: it holds no tokenizer, found {}",
                                         from.string(), listing(from)));
  }
  for (const fs::path& file : files) write_file(to / file.filename(), read_file(file));
}

}  // namespace zoo
