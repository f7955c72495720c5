// Texts as people type and save them, for every program that takes texts: brackets, commas, `#`,
// quotes and dashes on a command line, and files with byte order marks, "\r\n" and blank lines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/files.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/character.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Words = std::vector<std::string>;

const std::string kMark = "\xEF\xBB\xBF";

std::string wide(const std::string& ascii) {
  std::string bytes = "\xFF\xFE";
  for (const char c : ascii) bytes += {c, '\0'};
  return bytes;
}

Words lines_of(const std::string& text) {
  std::istringstream in(text);
  Words lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<json> json_lines(const std::string& text) {
  std::vector<json> all;
  for (const auto& line : lines_of(text)) all.push_back(json::parse(line));
  return all;
}

class TextsTest : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string file(const std::string& name, const std::string& bytes) const {
    write_file(folder_ / name, bytes);
    return path(name);
  }
  static std::string expect_success(const std::string& program, const Words& arguments,
                                    const std::string& input = "") {
    const auto result = run_program(program, arguments, {.input = input});
    EXPECT_EQ(result.exit_code, 0) << program << ": " << result.err;
    return result.out;
  }
  /// A BERT that fills in masks, or with a table of labels one that classifies.
  std::string bert(const std::string& name, const Words& more) const {
    Words words = {"--out",          path(name), "--layers",         "1",
                   "--heads",        "2",        "--d-model",        "16",
                   "--context",      "16",       "--vocab-size",     "60",
                   "--threads",      "1",        "--max-steps",      "1",
                   "--batch-size",   "4",        "--evaluate-every", "1",
                   "--warmup-steps", "0"};
    words.insert(words.end(), more.begin(), more.end());
    expect_success("train_bert", words);
    return path(name);
  }
  std::string masked_bert() const {
    std::string text;
    for (int n = 0; n < 40; ++n) text += "rose lily daisy\niron gold tin here\n";
    return bert("masked", {"--data", file("text.txt", text)});
  }
  TemporaryFolder folder_;
};

TEST_F(TextsTest, FillMask) {
  const auto model = masked_bert();
  const Words texts = {"[MASK] is here", "[iron, [MASK]]", "#[MASK]\"", "- [MASK]"};
  Words arguments = {"--model", model, "--threads", "1", "--json", "--top-k", "2", "--"};
  arguments.insert(arguments.end(), texts.begin(), texts.end());
  const auto out = expect_success("fill_mask", arguments);
  EXPECT_THAT(json_lines(out), SizeIs(4));
  std::string lines = kMark;
  for (const auto& text : texts) lines += text + "\r\n";
  const Words from_file = {"--model", model,    "--threads",
                           "1",       "--json", "--top-k",
                           "2",       "--file", file("masks.txt", lines)};
  EXPECT_EQ(expect_success("fill_mask", from_file), out);
  // Line i answers line i.
  const Words read = {"--model", model, "--threads", "1", "--json"};
  const auto answers =
      json_lines(expect_success("fill_mask", read, "iron [MASK]\n\n[MASK] gold\n"));
  ASSERT_THAT(answers, SizeIs(3));
  EXPECT_EQ(answers[1], json::array());
  const auto refused = run_program("fill_mask", read, {.input = "[MASK]\nnone\n"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("line 2: text: nothing to fill in"));
}

TEST_F(TextsTest, ClassifyText) {
  std::string table = kMark;
  for (int n = 0; n < 20; ++n) table += "plant\trose lily\r\nmetal\tiron [gold\r\n";
  const auto model =
      bert("classes", {"--data", file("table.tsv", table), "--objective", "classify-text"});
  const auto config = json::parse(read_file(fs::path(model) / "last" / "config.json"));
  EXPECT_EQ(config.at("id2label"), json({{"0", "metal"}, {"1", "plant"}}));
  const Words texts = {"[rose,lily]", "", "#iron", "-gold", " "};
  std::string lines = kMark;
  for (const auto& text : texts) lines += text + "\r\n";
  const Words usual = {"--model", model, "--threads", "1"};
  Words typed = usual, saved = usual;
  typed.emplace_back("--");
  typed.insert(typed.end(), texts.begin(), texts.end());
  saved.insert(saved.end(), {"--file", file("lines.txt", lines)});
  const auto out = expect_success("classify_text", typed);
  EXPECT_EQ(expect_success("classify_text", saved), out);
  EXPECT_EQ(expect_success("classify_text", usual, lines), out);
  const auto answers = lines_of(out);
  ASSERT_THAT(answers, SizeIs(texts.size()));
  for (size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(answers[i].substr(answers[i].find('\t') + 1), texts[i]);
}

TEST_F(TextsTest, WideTextIsNamedByEveryReader) {
  const auto model = masked_bert();
  const auto text = file("wide.txt", wide("rose\tlily\n"));
  const auto refused = [](const std::string& program, const Words& arguments,
                          const std::string& input = "") {
    const auto result = run_program(program, arguments, {.input = input});
    EXPECT_EQ(result.exit_code, 1) << program;
    EXPECT_THAT(result.err, HasSubstr("UTF-16, expected UTF-8")) << program;
  };
  refused("fill_mask", {"--model", model, "--file", text});
  refused("fill_mask", {"--model", model}, wide("rose\n"));
  refused("search_sentences", {"--model", model, "--sentences", text, "rose"});
  refused("score", {"--file", text, "--references", text});
  refused("train_tokenizer", {"--kind", "character", "--out", path("t"), text});
  refused("train_bert", {"--objective", "classify-text", "--data", text, "--out", path("no")});
  refused("train_gpt", {"--data", text, "--out", path("no")});
  EXPECT_FALSE(fs::exists(path("no")));
}

TEST_F(TextsTest, SearchSentences) {
  const auto model = masked_bert();
  const auto sentences = file("sentences.txt", kMark + "rose lily\r\n\r\niron gold\r\n");
  const auto answers = json_lines(
      expect_success("search_sentences", {"--model", model, "--threads", "1", "--sentences",
                                          sentences, "--json", "--", "[rose,lily]", "-gold"}));
  ASSERT_THAT(answers, SizeIs(2));
  for (const auto& answer : answers) {
    ASSERT_THAT(answer, SizeIs(2));  // the blank line is none
    for (const auto& found : answer) {
      const bool first = found.at("index") == 0;
      EXPECT_EQ(found.at("text"), first ? "rose lily" : "iron gold");
      if (!first) EXPECT_EQ(found.at("index"), 2);
    }
  }
}

TEST_F(TextsTest, Generate) {
  // 61 characters, as the golden model has tokens.
  fs::copy("tests/golden/gpt2", folder_ / "gpt");
  CharacterTokenizer(U"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW []{}-,#\"'\n")
      .save(folder_ / "gpt");
  const Words usual = {"--model", path("gpt"), "--threads", "1", "--json", "--max-new-tokens", "2"};
  const Words texts = {"[ab,cd]", "#a", "\"a\"", "-x", "--json", "[a]", ""};
  const auto prompts = [](const std::string& out) {
    Words all;
    for (const auto& line : json_lines(out)) all.push_back(line.at("prompt"));
    return all;
  };
  Words typed = usual;
  typed.emplace_back("--");
  typed.insert(typed.end(), texts.begin(), texts.end());
  EXPECT_EQ(prompts(expect_success("generate", typed)), texts);
  std::string lines = kMark;
  for (const auto& text : texts) lines += text + "\r\n";
  Words saved = usual;
  saved.insert(saved.end(), {"--file", file("prompts.txt", lines)});
  EXPECT_EQ(prompts(expect_success("generate", saved)), texts);
  EXPECT_EQ(prompts(expect_success("generate", usual, lines)), texts);
  Words asked = usual;
  asked.emplace_back("--interactive");
  EXPECT_EQ(prompts(expect_success("generate", asked, lines)), texts);
}

TEST_F(TextsTest, Translate) {
  std::string pairs = kMark;
  for (int n = 0; n < 30; ++n) pairs += "a [b]\t[b] a\r\n#c, d\td c\r\n";
  expect_success("train_transformer", {"--data",
                                       file("pairs.tsv", pairs),
                                       "--validation-data",
                                       path("pairs.tsv"),
                                       "--out",
                                       path("pairs"),
                                       "--tokenizer",
                                       "character",
                                       "--encoder-layers",
                                       "1",
                                       "--decoder-layers",
                                       "1",
                                       "--d-model",
                                       "16",
                                       "--heads",
                                       "2",
                                       "--context",
                                       "32",
                                       "--max-steps",
                                       "1",
                                       "--warmup-steps",
                                       "0",
                                       "--threads",
                                       "1"});
  const Words usual = {"--model",          path("pairs"), "--threads",   "1", "--json",
                       "--max-new-tokens", "4",           "--num-beams", "1"};
  const Words texts = {"[b]", "", "#c", "[a, b]"};
  const auto sources = [](const std::string& out) {
    Words all;
    for (const auto& line : json_lines(out)) all.push_back(line.at("source"));
    return all;
  };
  Words typed = usual;
  typed.insert(typed.end(), texts.begin(), texts.end());
  EXPECT_EQ(sources(expect_success("translate", typed)), texts);
  std::string lines = kMark;
  for (const auto& text : texts) lines += text + "\r\n";
  EXPECT_EQ(sources(expect_success("translate", usual, lines)), texts);
  Words plain = usual;
  std::erase(plain, "--json");
  EXPECT_THAT(lines_of(expect_success("translate", plain, lines)), SizeIs(texts.size()));
}

TEST_F(TextsTest, TrainTokenizer) {
  const fs::path before = fs::current_path();
  for (const char* name : {"[t]", "[a,b]", "#x", "-y"}) {
    file(name, kMark + "abc\n");
    fs::current_path(folder_.path());
    const auto out = expect_success(
        "train_tokenizer",
        {"--kind", "character", "--out", path(std::string("of ") + name), "--", name});
    fs::current_path(before);
    EXPECT_THAT(out, HasSubstr("character: 4 ids"));  // a, b, c and the line feed
  }
}

TEST_F(TextsTest, PicturesAndTheirFiles) {
  for (const char* name : {"[a].png", "[a,b].png", "-c.png"}) {
    const auto result =
        run_program("classify_image", {"--model", "tests/golden/vision/vit", "--", name});
    EXPECT_NE(result.exit_code, 0);
    EXPECT_THAT(result.err, ::testing::AnyOf(HasSubstr(name), HasSubstr("--model")));
  }
}

TEST_F(TextsTest, RunningTextOfACharacterModel) {
  const std::string text = "to be, or not to be\n";
  std::string long_text;
  for (int n = 0; n < 40; ++n) long_text += text;
  fs::create_directories(folder_ / "texts" / ".git");
  fs::create_directories(folder_ / "texts" / "__MACOSX");
  file("texts/a.txt", kMark + long_text);
  file("texts/b.txt", kMark + long_text);
  file("texts/.DS_Store", std::string("\0\0\0\1Bud1", 8));
  file("texts/Thumbs.db", std::string("\xD0\xCF\0", 3));
  file("texts/.git/HEAD", "ref: XYZ\n");
  file("texts/__MACOSX/._a.txt", std::string("\0\5", 2));
  expect_success(
      "train_gpt",
      {"--data",      path("texts"), "--out",           path("run"), "--layers",       "1",
       "--d-model",   "16",          "--heads",         "2",         "--context",      "8",
       "--max-steps", "1",           "--batch-size",    "2",         "--warmup-steps", "0",
       "--threads",   "1",           "--sample-tokens", "0"});
  const auto config = json::parse(read_file(folder_ / "run" / "last" / "config.json"));
  EXPECT_EQ(config.at("vocab_size"), 9);  // b e n o r t, comma, space and line feed
}

TEST_F(TextsTest, RecipesMayHoldAnything) {
  const std::string odd = path("[a,b] #1 \"x\" 'y'");
  write_file(odd, "to be or not to be that is the question\n");
  std::string quoted;
  for (const char c : odd) quoted += (c == '"' ? "\\" : "") + std::string(1, c);
  const auto recipe = file("odd.toml", kMark + "data = \"" + quoted +
                                           "\"  # a comment\r\nlayers = 1\r\nd-model = 16\r\n"
                                           "heads = 2\r\ncontext = 4\r\nmax-steps = 1\r\n"
                                           "batch-size = 1\r\nwarmup-steps = 0\r\n");
  expect_success("train_gpt", {"--config", recipe, "--threads", "1", "--sample-tokens", "0",
                               "--out", path("first")});
  // What the first run says of itself makes the second one.
  expect_success("train_gpt",
                 {"--config", (folder_ / "first" / "run.toml").string(), "--out", path("second")});
  EXPECT_EQ(read_file(folder_ / "second" / "run.toml"), read_file(folder_ / "first" / "run.toml"));
}

TEST_F(TextsTest, WhatCannotFitIsRefusedBeforehand) {
  const auto refused = [&](const std::string& program, Words arguments, const std::string& text) {
    arguments.insert(arguments.end(), {"--out", path("no")});
    const auto result = run_program(program, arguments);
    EXPECT_THAT(result.exit_code, ::testing::AnyOf(1, 2)) << program;
    EXPECT_THAT(result.err, HasSubstr(text)) << program;
    EXPECT_FALSE(fs::exists(path("no")));
  };
  const auto text = file("t.txt", "to be or not to be that is the question\n");
  const std::string most = "2147483647", why = "of memory, but";
  refused("train_gpt", {"--data", text, "--layers", most}, why);
  refused("train_gpt", {"--data", text, "--d-model", most, "--heads", "1"}, why);
  refused("train_bert", {"--data", text, "--layers", most}, why);
  refused("train_transformer", {"--task", "reverse", "--encoder-layers", most}, why);
  refused("train_clip", {"--task", "shapes", "--text-layers", most}, why);
  refused("train_gpt", {"--data", text, "--config", "/dev/zero"}, "is this a recipe?");
}

}  // namespace
}  // namespace zoo::testing
