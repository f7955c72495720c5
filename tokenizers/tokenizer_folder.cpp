// load_tokenizer: which class reads a folder.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "base/files.h"
#include "base/text_file.h"
#include "tokenizers/auto/auto_document.h"
#include "tokenizers/auto/class_rules.h"
#include "tokenizers/auto/settings.h"
#include "tokenizers/auto/tokenizer_class.h"
#include "tokenizers/character.h"
#include "tokenizers/core/tokenizer_json.h"
#include "tokenizers/families/byte_bpe_files.h"
#include "tokenizers/families/tiktoken_files.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/sentencepiece/marian.h"
#include "tokenizers/sentencepiece/sentencepiece.h"
#include "tokenizers/sentencepiece/sentencepiece_model.h"
#include "tokenizers/stages/json_fields.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

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

/// The folder's *.model files, the common names first.
std::vector<fs::path> model_files(const fs::path& folder) {
  std::vector<fs::path> found = files_ending(folder, ".model");
  for (const char* name : {"sentencepiece.bpe.model", "spiece.model", "tokenizer.model"}) {
    const auto common = std::find(found.begin(), found.end(), folder / name);
    if (common != found.end()) std::rotate(found.begin(), common, common + 1);
  }
  return found;
}

/// Runs `read`; prefixes errors with the file's name.
template <class Read>
decltype(auto) reading(const fs::path& file, Read read) {
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

using TokenizerPtr = std::unique_ptr<Tokenizer>;

bool has(const fs::path& folder, const char* name) {
  std::error_code ignored;
  return fs::is_regular_file(folder / name, ignored);
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

/// The file's text; empty if there is no file.
std::string text_of(const fs::path& file) {
  std::error_code ignored;
  return fs::is_regular_file(file, ignored) ? read_file(file) : std::string();
}

/// A folder's configuration files, and the class that they name.
struct Folder {
  fs::path path;
  const LoadOptions& options;
  ConfigTexts config = {};
  TokenizerClass named = {};
  bool has_config = false;
};

ConfigTexts config_texts(const fs::path& folder) {
  return {.tokenizer_config = text_of(folder / "tokenizer_config.json"),
          .special_tokens_map = text_of(folder / "special_tokens_map.json"),
          .added_tokens = text_of(folder / "added_tokens.json")};
}

Folder look_into(const fs::path& path, const LoadOptions& options) {
  Folder folder{.path = path, .options = options, .config = config_texts(path)};
  const auto& config = folder.config;
  folder.has_config = !(config.tokenizer_config.empty() && config.special_tokens_map.empty() &&
                        config.added_tokens.empty());
  const bool byte_level =
      text_of(path / "tokenizer.json").find("\"ByteLevel\"") != std::string::npos;
  folder.named = tokenizer_class_of(parse_config(text_of(path / "config.json"), "config.json"),
                                    parse_config(config.tokenizer_config, "tokenizer_config.json"),
                                    byte_level);
  return folder;
}

TokenizerSettings settings_of(const Folder& folder, const nlohmann::json& tokenizer_json = {}) {
  return read_settings(folder.config, tokenizer_json);
}

TokenizerPtr pipeline(AutoDocument document) {
  return std::make_unique<PipelineTokenizer>(std::move(document.tokenizer_json),
                                             std::move(document.config));
}

/// Whether no option changes what the tokenizer.json describes.
bool plain(const TokenizerSettings& settings) {
  return !settings.flag("clean_up_tokenization_spaces", false) &&
         !settings.flag("split_special_tokens", false);
}

/// A .model with the same content as the tokenizer.json beside it, for sampling. A damaged one is
/// reported and ignored, since the tokenizer.json is complete.
TokenizerPtr load_beside(const Folder& folder, const fs::path& file,
                         const nlohmann::json& tokenizer_json) {
  std::string model = read_file(file);
  if (SentencePieceTokenizer::accepts(model, tokenizer_json)) {
    return std::make_unique<SentencePieceTokenizer>(std::move(model), tokenizer_json);
  }
  try {
    if (!is_tiktoken(model)) parse_sentencepiece_model(model);
  } catch (const std::runtime_error& error) {
    if (folder.options.note) {
      folder.options.note(
          fmt::format("{}: ignored, only tokenizer.json is read: {}", file.string(), error.what()));
    }
  }
  return nullptr;
}

TokenizerPtr load_json(const Folder& folder) {
  const fs::path file = folder.path / "tokenizer.json";
  const std::vector<fs::path> models = model_files(folder.path);
  return reading(file, [&]() -> TokenizerPtr {
    std::string text = read_file(file);
    const nlohmann::json parsed = parse_tokenizer_json(text);
    const TokenizerSettings settings = settings_of(folder, parsed);
    AutoDocument document = json_document(folder.named.name, settings, std::move(text), parsed);
    if (document.as_written && plain(settings)) {
      if (CharacterTokenizer::accepts(parsed)) return CharacterTokenizer::from_json(parsed);
      if (!models.empty()) {
        if (TokenizerPtr read = load_beside(folder, models.front(), parsed)) return read;
      }
    }
    return pipeline(std::move(document));
  });
}

TokenizerPtr load_marian(const Folder& folder) {
  const fs::path& path = folder.path;
  return reading(path / "vocab.json", [&]() -> TokenizerPtr {
    const auto side =
        folder.options.target ? MarianTokenizer::Side::kTarget : MarianTokenizer::Side::kSource;
    return std::make_unique<MarianTokenizer>(
        read_file(path / "source.spm"), read_file(path / "target.spm"),
        read_file(path / "vocab.json"), merged_config(folder.config), side);
  });
}

TokenizerPtr load_tiktoken(const Folder& folder, const fs::path& file) {
  return reading(file, [&]() -> TokenizerPtr {
    if (!settings_of(folder).added.empty()) {
      throw std::runtime_error(
          "added tokens beside tiktoken's ranks are not supported, since the encoding has its own; "
          "save the tokenizer as tokenizer.json");
    }
    return std::make_unique<PipelineTokenizer>(
        tiktoken_document(read_file(file), tiktoken_encoding_of(file)).dump(),
        folder.config.tokenizer_config);
  });
}

TokenizerPtr load_merges(const Folder& folder, std::string_view name) {
  const fs::path file = folder.path / "vocab.json";
  return reading(file, [&]() -> TokenizerPtr {
    SourceVocabulary source =
        vocabulary_of_merges(read_file(file), read_file(folder.path / "merges.txt"));
    if (name.empty()) name = byte_bpe_class(source.vocab);
    return pipeline(class_document(name, settings_of(folder), std::move(source)));
  });
}

TokenizerPtr load_lines(const Folder& folder, std::string_view name) {
  const fs::path file = folder.path / "vocab.txt";
  return reading(file, [&]() -> TokenizerPtr {
    return pipeline(
        class_document(name, settings_of(folder), vocabulary_of_lines(read_file(file))));
  });
}

/// A .model of the named class; null: of the generic one.
TokenizerPtr load_model(const Folder& folder, const ClassRules* rules, const fs::path& file) {
  std::string model = read_file(file);
  if (is_tiktoken(model)) return load_tiktoken(folder, file);
  return reading(file, [&]() -> TokenizerPtr {
    if (rules == nullptr) return pipeline(model_document(settings_of(folder), model));
    const bool numbered = rules->model == ClassRules::Model::kBpe;
    return pipeline(
        class_document(rules->name, settings_of(folder), vocabulary_of_model(model, numbered)));
  });
}

/// A .model without configuration: SentencePiece's own ids, or Llama 3's ranks.
TokenizerPtr load_raw_model(const Folder& folder, const fs::path& file) {
  std::string model = read_file(file);
  if (is_tiktoken(model)) return load_tiktoken(folder, file);
  return reading(file, [&]() -> TokenizerPtr {
    return std::make_unique<SentencePieceTokenizer>(std::move(model));
  });
}

const ClassRules& rules_for(const Folder& folder) {
  return reading(folder.path,
                 [&]() -> const ClassRules& { return require_rules_of_class(folder.named.name); });
}

/// The named class without tokenizer.json, from its own files.
TokenizerPtr load_named_class(const Folder& folder, const ClassRules& rules) {
  const auto there = [&](std::string_view name) {
    return has(folder.path, std::string(name).c_str());
  };
  const bool all = std::all_of(rules.files.begin(), rules.files.end(), there);
  if (rules.files.size() == 2 && all) return load_merges(folder, rules.name);
  if (rules.model == ClassRules::Model::kWordPiece && all) return load_lines(folder, rules.name);
  if (!rules.files.empty() && rules.files.front().ends_with(".model")) {
    // `transformers` accepts this name for any class.
    for (const std::string_view name : {std::string_view("tokenizer.model"), rules.files.front()}) {
      if (there(name)) return load_model(folder, &rules, folder.path / name);
    }
  }
  throw std::runtime_error(fmt::format("tokenizer folder {}: {} needs tokenizer.json{}{}; found {}",
                                       folder.path.string(), rules.name,
                                       rules.files.empty() ? "" : " or ",
                                       fmt::join(rules.files, " and "), listing(folder.path)));
}

}  // namespace

bool has_two_sides(const fs::path& folder) {
  return has(folder, "source.spm") && has(folder, "target.spm") && has(folder, "vocab.json");
}

TokenizerPtr load_tokenizer(const fs::path& path, const LoadOptions& options) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    throw std::runtime_error(fmt::format(
        "tokenizer folder {}: {}", path.string(),
        fs::exists(path, ignored) ? "not a folder; name the folder that holds the tokenizer's files"
                                  : "no such folder; train_tokenizer makes one"));
  }
  const Folder folder = reading(path, [&] { return look_into(path, options); });
  const bool json = fs::exists(path / "tokenizer.json", ignored);
  const bool marian = has_two_sides(path) &&
                      (folder.named.name == "MarianTokenizer" || (!folder.named.named && !json));
  if (options.target && !marian) {
    throw std::runtime_error(
        fmt::format("tokenizer folder {}: it has no target side (source.spm, target.spm and "
                    "vocab.json); leave --target out",
                    path.string()));
  }
  if (marian) return load_marian(folder);
  if (json) return load_json(folder);
  if (folder.named.name != kGenericClass) {
    return load_named_class(folder, rules_for(folder));
  }
  if (folder.has_config && has(path, "tokenizer.model")) {
    return load_model(folder, nullptr, path / "tokenizer.model");
  }
  if (const auto models = model_files(path); !models.empty()) {
    return load_raw_model(folder, models.front());
  }
  if (has(path, "vocab.json") && has(path, "merges.txt")) return load_merges(folder, {});
  if (has(path, "vocab.txt")) return load_lines(folder, "BertTokenizer");
  const std::vector<fs::path> ranks = files_ending(path, ".tiktoken");
  if (ranks.size() == 1) return load_tiktoken(folder, ranks.front());
  throw std::runtime_error(
      fmt::format("tokenizer folder {}: expected tokenizer.json, a SentencePiece .model file, "
                  "vocab.json with merges.txt, vocab.txt, or one .tiktoken file; found {}",
                  path.string(), listing(path)));
}

}  // namespace zoo
