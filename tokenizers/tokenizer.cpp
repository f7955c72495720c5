// Which class reads a folder, which files belong to a tokenizer, and what identifies one.
#include "tokenizers/tokenizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "app/files.h"
#include "tokenizers/character.h"
#include "tokenizers/families/bert_files.h"
#include "tokenizers/families/byte_bpe_files.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/sentencepiece/marian.h"
#include "tokenizers/sentencepiece/sentencepiece.h"
#include "tokenizers/stages/post_template.h"
#include "tokenizers/tokenizer_json.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

// What transformers and the zoo put beside a model; *.model comes to these.
constexpr std::string_view kTokenizerFiles[] = {"tokenizer.json",
                                                "tokenizer_config.json",
                                                "special_tokens_map.json",
                                                "added_tokens.json",
                                                "vocab.json",
                                                "merges.txt",
                                                "vocab.txt",
                                                "source.spm",
                                                "target.spm"};

/// The folder's *.model files, the usual names first.
std::vector<fs::path> model_files(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".model" && entry.is_regular_file()) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  for (const char* name : {"sentencepiece.bpe.model", "spiece.model", "tokenizer.model"}) {
    const auto usual = std::find(found.begin(), found.end(), folder / name);
    if (usual != found.end()) std::rotate(found.begin(), usual, usual + 1);
  }
  return found;
}

/// Pieces of a broken file may stand in a message: it stays one line.
std::string on_one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
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
    throw std::runtime_error(fmt::format("{}: {}", file.string(), on_one_line(error.what())));
  }
}

std::unique_ptr<Tokenizer> load_json(const fs::path& folder) {
  const fs::path file = folder / "tokenizer.json";
  const nlohmann::json parsed = read_tokenizer_json(file);
  const std::vector<fs::path> models = model_files(folder);
  return reading(file, [&]() -> std::unique_ptr<Tokenizer> {
    if (CharacterTokenizer::accepts(parsed)) return CharacterTokenizer::from_json(parsed);
    const std::string type = parsed["model"]["type"];
    if (type != "BPE" && type != "Unigram") {
      throw std::runtime_error(
          fmt::format("a {} tokenizer; known are the character tokenizer and SentencePiece", type));
    }
    if (models.empty()) {
      throw std::runtime_error(fmt::format(
          "a {} tokenizer without a SentencePiece .model file beside it; known are the character "
          "tokenizer and SentencePiece with its .model file",
          type));
    }
    return std::make_unique<SentencePieceTokenizer>(read_file(models.front()), parsed);
  });
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

class Fnv1a {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) hash_ = (hash_ ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  }
  void add(uint64_t number) {  // little-endian on every machine
    for (int i = 0; i < 8; ++i) hash_ = (hash_ ^ (number >> (8 * i) & 0xFF)) * 0x100000001B3u;
  }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xCBF29CE484222325u;
};

}  // namespace

Encoding finish_encoding(const Tokenizer& tokenizer, Encoding bare, const EncodeOptions& options) {
  if (!options.add_special && !options.details) return bare;
  const PostTemplate& post = tokenizer.post_template();
  return options.add_special ? post.apply(std::move(bare))
                             : post.without_ids().apply(std::move(bare));
}

Encoding encode_pair(const Tokenizer& tokenizer, std::string_view a, std::string_view b,
                     EncodeOptions options) {
  const PostTemplate post =
      options.add_special ? tokenizer.post_template() : tokenizer.post_template().without_ids();
  options.add_special = false;
  return post.apply(tokenizer.encode(a, options), tokenizer.encode(b, options));
}

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw std::runtime_error(
        fmt::format("tokenizer folder {}: {}", folder.string(),
                    fs::exists(folder, ignored)
                        ? "not a folder; name the folder that holds the tokenizer's files"
                        : "no such folder; train_tokenizer makes one"));
  }
  if (fs::exists(folder / "tokenizer.json", ignored)) return load_json(folder);
  const std::vector<fs::path> models = model_files(folder);
  if (!models.empty()) {
    return reading(models.front(), [&]() -> std::unique_ptr<Tokenizer> {
      return std::make_unique<SentencePieceTokenizer>(read_file(models.front()));
    });
  }
  throw std::runtime_error(
      fmt::format("tokenizer folder {}: expected tokenizer.json or a SentencePiece .model file, "
                  "found {}",
                  folder.string(), listing(folder)));
}

void copy_tokenizer_files(const fs::path& from, const fs::path& to) {
  std::error_code ignored;
  if (!fs::is_directory(from, ignored)) {
    throw std::runtime_error(fmt::format("tokenizer folder {}: no such folder", from.string()));
  }
  std::vector<fs::path> files = model_files(from);
  for (const std::string_view name : kTokenizerFiles) {
    if (fs::is_regular_file(from / name, ignored)) files.push_back(from / name);
  }
  if (files.empty()) {
    throw std::runtime_error(fmt::format("tokenizer folder {}: it holds no tokenizer, found {}",
                                         from.string(), listing(from)));
  }
  for (const fs::path& file : files) write_file(to / file.filename(), read_file(file));
}

uint64_t fingerprint(const Tokenizer& tokenizer) {
  Fnv1a hash;
  const auto add_role = [&](std::optional<int32_t> id) {
    hash.add(id ? static_cast<uint64_t>(*id) : ~uint64_t{0});
  };
  const std::string kind = tokenizer.kind();
  hash.add(uint64_t{kind.size()});
  hash.add(kind);
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const std::string piece = tokenizer.piece_of(id);
    hash.add(uint64_t{piece.size()});  // "ab" + "c" is not "a" + "bc"
    hash.add(piece);
    hash.add(uint64_t{tokenizer.is_special(id)});
  }
  add_role(tokenizer.bos_id());
  add_role(tokenizer.eos_id());
  add_role(tokenizer.pad_id());
  add_role(tokenizer.unk_id());
  return hash.value();
}

}  // namespace zoo
