// Folders of every family with one file damaged at random: loading ends in a tokenizer that works,
// or in one line that names the file; nothing else, whatever the damage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/tokenizers/texts.h"
#include "tokenizers/families/tiktoken_files.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Files = std::map<std::string, std::string>;

Files files_of(const Tokenizer& tokenizer) {
  const testing::TemporaryFolder folder;
  tokenizer.save(folder.path());
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    files[entry.path().filename().string()] = read_file(entry.path());
  }
  return files;
}

Files trained(TokenizerTraining options) {
  return files_of(*testing::train_on(testing::small_text().substr(0, 6000), std::move(options)));
}

Files without(Files files, const char* name) {
  files.erase(name);
  return files;
}

/// The files of GPT-2, RoBERTa or CLIP in small.
Files older_files(const char* family) {
  const json golden = json::parse(read_file("tests/golden/byte_bpe/families.json")).at(family);
  return {{"vocab.json", golden["vocab"].dump()}, {"merges.txt", golden["merges"]}};
}

Files marian_files() {
  const json golden = json::parse(read_file("tests/golden/tokenizers/marian.json"));
  return {{"source.spm", read_file("tests/golden/tokenizers/unigram.model")},
          {"target.spm", read_file("tests/golden/tokenizers/bpe.model")},
          {"vocab.json", golden["vocab"].dump()},
          {"tokenizer_config.json", golden["config"].dump()}};
}

/// Stages of every type, as far as the other families have them not.
Files every_stage() {
  return {{"tokenizer.json", R"({"version": "1.0", "truncation": null,
    "padding": {"strategy": "BatchLongest", "direction": "Left", "pad_to_multiple_of": null,
                "pad_id": 0, "pad_type_id": 0, "pad_token": "[P]"},
    "added_tokens": [{"id": 4, "content": "[P]", "special": true, "normalized": false},
                     {"id": 5, "content": "The", "rstrip": true, "normalized": true}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "Lowercase"},
      {"type": "Replace", "pattern": {"Regex": "(.)\\1\\1"}, "content": "$1"},
      {"type": "Prepend", "prepend": "a"}, {"type": "StripAccents"},
      {"type": "Strip", "strip_left": true, "strip_right": true}]},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "UnicodeScripts"},
      {"type": "CharDelimiterSplit", "delimiter": "e"}, {"type": "FixedLength", "length": 7},
      {"type": "Split", "pattern": {"Regex": "\\X"}, "behavior": "Contiguous", "invert": false},
      {"type": "Punctuation", "behavior": "MergedWithNext"}, {"type": "ByteLevel",
       "add_prefix_space": true, "trim_offsets": true, "use_regex": false},
      {"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": true}]},
    "post_processor": {"type": "Sequence", "processors": [
      {"type": "RobertaProcessing", "sep": ["s", 1], "cls": ["c", 2], "trim_offsets": true,
       "add_prefix_space": false}, {"type": "ByteLevel"},
      {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}],
       "pair": [{"Sequence": {"id": "B", "type_id": 0}}, {"SpecialToken": {"id": "x", "type_id": 1}}],
       "special_tokens": {"x": {"id": "x", "ids": [3, 3], "tokens": ["x", "x"]}}}]},
    "decoder": {"type": "Sequence", "decoders": [
      {"type": "CTC", "pad_token": "[P]", "word_delimiter_token": "t", "cleanup": true},
      {"type": "Replace", "pattern": {"Regex": "[[:alpha:]]"}, "content": "ab"},
      {"type": "Strip", "content": "a", "start": 1, "stop": 2}, {"type": "BPEDecoder",
       "suffix": "b"}, {"type": "Sequence", "decoders": [{"type": "Fuse"}]}]},
    "model": {"type": "WordLevel", "vocab": {"?": 0, "Ġa": 1, "t": 2, "h": 3}, "unk_token": "?"}})"}};
}

Files family(const std::string& name) {
  using Kind = TokenizerKind;
  if (name == "EveryStage") return every_stage();
  if (name == "ByteBpe") return trained({.kind = Kind::kByteBpe, .vocab_size = 300});
  if (name == "WordPiece") return trained({.kind = Kind::kWordPiece, .vocab_size = 120});
  if (name == "Bpe") return trained({.kind = Kind::kBpe, .vocab_size = 60});
  if (name == "Characters") return trained({.kind = Kind::kCharacter});
  if (name == "SentencePieceBpe")
    return trained({.kind = Kind::kSentencePieceBpe, .vocab_size = 340});
  if (name == "UnigramJson") {
    return without(trained({.kind = Kind::kSentencePieceUnigram, .vocab_size = 340}),
                   "tokenizer.model");
  }
  if (name == "VocabTxt") return without(family("WordPiece"), "tokenizer.json");
  if (name == "Tiktoken") {
    const json document = json::parse(family("ByteBpe").at("tokenizer.json"));
    return {{"gpt2.tiktoken", tiktoken_ranks(document)}};
  }
  if (name == "Marian") return marian_files();
  return older_files(name.c_str());
}

constexpr const char* kFamilies[] = {"ByteBpe",          "WordPiece",   "Bpe",      "Characters",
                                     "SentencePieceBpe", "UnigramJson", "VocabTxt", "Tiktoken",
                                     "Marian",           "gpt2",        "roberta",  "clip",
                                     "EveryStage"};

// ---- Damage ----
size_t below(std::mt19937& random, size_t bound) { return random() % bound; }

void damage_bytes(std::string& bytes, std::mt19937& random) {
  if (bytes.empty()) return;
  const size_t at = below(random, bytes.size());
  switch (below(random, 5)) {
    case 0:
      bytes.resize(at);
      break;
    case 1:
      for (int i = 0; i < 4; ++i)
        bytes[below(random, bytes.size())] ^= static_cast<char>(1 << below(random, 8));
      break;
    case 2:
      bytes.insert(at, testing::random_bytes(random));
      break;
    case 3:
      bytes.erase(at, 1 + below(random, 40));
      break;
    default:
      bytes.insert(at, bytes.substr(below(random, bytes.size()), 200));
  }
}

/// A place somewhere in a document, sooner near its root.
json& any_place(json& root, std::mt19937& random) {
  json* place = &root;
  while (place->is_structured() && !place->empty() && below(random, 6) != 0) {
    auto inside = place->begin();
    std::advance(inside, below(random, std::min<size_t>(place->size(), 50)));
    place = &*inside;
  }
  return *place;
}

json any_value(std::mt19937& random) {
  json deep = "x";
  for (int i = 0; i < 300; ++i) deep = json::array({std::move(deep)});
  const json values[] = {nullptr,
                         true,
                         -1,
                         0,
                         7,
                         1.5,
                         1e300,
                         1ull << 63,
                         "",
                         "a",
                         "\n\"\\\u0000\uFFFF",
                         std::string(3000, 'x'),
                         json::array(),
                         json::object(),
                         {"a", "b"},
                         {{"type", "Sequence"}},
                         {{"id", 3}, {"content", "a"}},
                         std::move(deep)};
  return values[below(random, std::size(values))];
}

void damage_json(std::string& text, std::mt19937& random) {
  json whole = json::parse(text, nullptr, false);
  if (whole.is_discarded()) return damage_bytes(text, random);
  json& place = any_place(whole, random);
  if (place.is_object() && !place.empty() && below(random, 2) == 0) {
    auto inside = place.begin();
    std::advance(inside, below(random, place.size()));
    place.erase(inside);
  } else {
    place = below(random, 3) == 0 ? json(any_place(whole, random)) : any_value(random);
  }
  text = whole.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Whatever was loaded must take any text, and its own ids back.
void use(const Tokenizer& tokenizer, std::mt19937& random) {
  const std::string texts[] = {"The ship's 12 boats\n", "", "<s>[MASK]<|endoftext|> 船e\u0301",
                               testing::random_unicode(random), testing::random_bytes(random)};
  for (const std::string& text : texts) {
    try {
      const Encoding found = tokenizer.encode(text, {.add_special = true});
      ASSERT_EQ(found.offsets.size(), found.ids.size());
      for (const auto& [begin, end] : found.offsets) ASSERT_LE(end, text.size());
      tokenizer.decode(found.ids, /*skip_special=*/true);
    } catch (const std::runtime_error& error) {  // an unknown character without an unknown token
      ASSERT_THAT(error.what(), Not(HasSubstr("\n")));
    }
  }
  for (int32_t id = 0; id < std::min(tokenizer.vocab_size(), 400); ++id) tokenizer.bytes_of(id);
  fingerprint(tokenizer);
}

class LoaderFuzzTest : public ::testing::TestWithParam<const char*> {};

TEST_P(LoaderFuzzTest, DamagedFoldersLoadOrSayWhatIsWrong) {
  const Files whole = family(GetParam());
  const testing::TemporaryFolder folder;
  constexpr unsigned kRounds = 100;
  unsigned refused = 0;
  for (unsigned seed = 0; seed < kRounds; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Files files = whole;
    auto chosen = files.begin();
    std::advance(chosen, below(random, files.size()));
    const bool is_json = chosen->first.ends_with(".json");
    is_json&& seed % 3 != 0 ? damage_json(chosen->second, random)
                            : damage_bytes(chosen->second, random);
    for (const auto& [name, bytes] : files) testing::write_quickly(folder / name, bytes);
    try {
      use(*load_tokenizer(folder.path()), random);
    } catch (const std::runtime_error& error) {
      ++refused;
      EXPECT_THAT(error.what(), AllOf(HasSubstr(folder.path().string()), Not(HasSubstr("\n"))));
    }
    if (HasFailure()) return;  // one is enough to look at; the seed tells it
  }
  EXPECT_GT(refused, kRounds / 10);
}

INSTANTIATE_TEST_SUITE_P(Families, LoaderFuzzTest, ::testing::ValuesIn(kFamilies),
                         [](const auto& info) { return std::string(info.param); });

TEST(DeepFilesTest, NestingWithoutEndIsRefused) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  const auto complaint = [](const Files& files) -> std::string {
    const testing::TemporaryFolder folder;
    for (const auto& [name, bytes] : files) testing::write_quickly(folder / name, bytes);
    try {
      load_tokenizer(folder.path());
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "loaded";
  };
  const std::string head =
      R"({"model": {"type": "BPE", "vocab": {}, "merges": []}, "normalizer": )";
  EXPECT_THAT(complaint({{"tokenizer.json", head + deep + "}"}}), HasSubstr("not valid JSON"));
  EXPECT_THAT(complaint({{"vocab.json", deep}, {"merges.txt", ""}}), HasSubstr("not valid JSON"));
  EXPECT_THAT(complaint({{"vocab.txt", "a\n"}, {"tokenizer_config.json", "{\"x\": " + deep + "}"}}),
              HasSubstr("tokenizer_config.json: expected a JSON object"));
}

}  // namespace
}  // namespace zoo
