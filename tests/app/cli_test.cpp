// Options structs, command lines and recipes: every way in, and the way back out.
#include "app/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "base/files.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
enum class Fruit { kApple, kPassionFruit };
template <>
struct EnumNames<Fruit> {
  static constexpr std::string_view what = "fruit";
  static constexpr std::pair<Fruit, std::string_view> values[] = {
      {Fruit::kApple, "apple"}, {Fruit::kPassionFruit, "passion-fruit"}};
};

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct Options {
  int64_t layers = 4;
  double lr = 1e-3;
  float dropout = 0.1f;
  bool tied = true;
  bool verbose = false;
  std::string name = "run #1";
  Fruit fruit = Fruit::kApple;
  std::optional<double> clip;
  std::optional<Fruit> second;
  std::vector<std::string> stop;
  std::vector<int> sizes = {1, 2};
  std::filesystem::path out = "runs/x";
  bool operator==(const Options&) const = default;
};

template <class Visitor>
void visit(Options& o, Visitor&& v) {
  v("layers", o.layers, "Layers");
  v("lr", o.lr, "Learning rate");
  v("dropout", o.dropout, "Dropout");
  v("tied", o.tied, "Tie weights");
  v("verbose", o.verbose, "Say more");
  v("name", o.name, "Name");
  v("fruit", o.fruit, "Fruit");
  v("clip", o.clip, "Clip");
  v("second", o.second, "Second fruit");
  v("stop", o.stop, "Stop strings");
  v("sizes", o.sizes, "Sizes");
  v("out", o.out, "Folder");
}

struct Program {
  CLI::App app{"A test"};
  Options options;
  Program() {
    add_options(app, "Model", options);
    add_config_option(app);
  }
  void run(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "program");
    parse(app, static_cast<int>(arguments.size()), arguments.data());
  }
  std::string error(std::vector<const char*> arguments) {
    try {
      run(std::move(arguments));
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
    return "no error";
  }
};

struct CliTest : ::testing::Test {
  testing::TemporaryFolder folder;
  std::string recipe(std::string_view text) {
    write_file(folder / "recipe.toml", text);
    return folder / "recipe.toml";
  }
};

TEST_F(CliTest, FlagsReachTheirFields) {
  Program p;
  p.run({"--layers", "-2", "--lr=3e-4", "--tied=false", "--verbose", "--name", "a b", "--fruit",
         "passion-fruit", "--clip", "-0.5", "--second", "apple", "--stop", "[END]", "--stop", "-x",
         "--sizes", "7"});
  Options expected;
  expected.layers = -2;
  expected.lr = 3e-4;
  expected.tied = false;
  expected.verbose = true;
  expected.name = "a b";
  expected.fruit = Fruit::kPassionFruit;
  expected.clip = -0.5;
  expected.second = Fruit::kApple;
  expected.stop = {"[END]", "-x"};
  expected.sizes = {7};
  EXPECT_EQ(p.options, expected);
}

TEST_F(CliTest, WithoutArgumentsTheDefaultsStay) {
  Program p;
  p.run({});
  EXPECT_EQ(p.options, Options{});
}

TEST_F(CliTest, RecipesSetFieldsAndFlagsWin) {
  const std::string path =
      recipe("layers = 6\nlr = 0.5 # half\ntied = false\nstop = ['#', \"]\"]\n");
  Program p;
  p.run({"--config", path.c_str(), "--layers", "8"});
  EXPECT_EQ(p.options.layers, 8);
  EXPECT_EQ(p.options.lr, 0.5);
  EXPECT_FALSE(p.options.tied);
  EXPECT_THAT(p.options.stop, ElementsAre("#", "]"));
}

TEST_F(CliTest, EffectiveConfigReadsBackToTheSameOptions) {
  std::mt19937_64 random(3);
  const auto text = [&random] {
    std::string result;
    for (size_t n = random() % 12; n > 0; --n) result += static_cast<char>(random() % 255 + 1);
    return result;
  };
  const auto number = [&random] {
    const auto bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return std::isnan(value) ? -0.1 : value;
  };
  for (int round = 0; round < 200; ++round) {
    Program writer;
    Options& o = writer.options;
    o.layers = static_cast<int64_t>(random());
    o.lr = number();
    o.dropout = static_cast<float>(random() % 1000) / 1000;
    o.tied = random() % 2;
    o.verbose = random() % 2;
    o.name = text();
    o.fruit = random() % 2 ? Fruit::kApple : Fruit::kPassionFruit;
    if (random() % 2) o.clip = number();
    if (random() % 2) o.second = Fruit::kPassionFruit;
    for (size_t n = random() % 3; n > 0; --n) o.stop.push_back(text());
    o.sizes.assign(random() % 3, static_cast<int>(random()));
    o.out = "runs/" + std::to_string(random());
    const std::string path = recipe(effective_config(writer.app));
    Program reader;
    reader.run({"--config", path.c_str()});
    EXPECT_EQ(reader.options, o) << effective_config(writer.app);
  }
}

TEST_F(CliTest, EffectiveConfigIsReadableAndLeavesOutWhatHasNoValue) {
  Program p;
  p.run({"--lr", "0.1"});
  EXPECT_EQ(effective_config(p.app),
            "# Model\nlayers = 4\nlr = 0.1\ndropout = 0.1\ntied = true\nverbose = false\n"
            "name = \"run #1\"\nfruit = \"apple\"\nstop = []\nsizes = [1, 2]\nout = \"runs/x\"\n");
}

TEST_F(CliTest, EffectiveConfigKnowsOptionsAddedThroughCli11) {
  Program p;
  std::string model, prompt;
  bool json = false;
  p.app.add_option("--model", model);
  p.app.add_option("prompt", prompt);
  p.app.add_flag("--json", json);
  p.run({"--model", "a \"b\"", "--json", "a prompt"});
  EXPECT_THAT(effective_config(p.app), HasSubstr("model = \"a \\\"b\\\"\"\njson = true\n"));
  EXPECT_THAT(effective_config(p.app), Not(HasSubstr("prompt")));
}

TEST_F(CliTest, WrongValuesNameTheFlagAndWhatHolds) {
  EXPECT_THAT(Program().error({"--layers", "2.5"}),
              HasSubstr("--layers: must be a whole number from -9223372036854775808 to "
                        "9223372036854775807, not '2.5'"));
  EXPECT_THAT(Program().error({"--layers", ""}), HasSubstr("not ''"));
  EXPECT_THAT(Program().error({"--lr", "fast"}), HasSubstr("--lr: must be a number, not 'fast'"));
  EXPECT_THAT(Program().error({"--lr", "1e999"}), HasSubstr("--lr: must be a number"));
  EXPECT_THAT(Program().error({"--fruit", "pear"}),
              HasSubstr("--fruit: unknown fruit 'pear'; known are: apple, passion-fruit"));
  EXPECT_THAT(Program().error({"--sizes", "1", "--sizes", "x"}), HasSubstr("--sizes: must be"));
  EXPECT_NE(Program().error({"--tied=maybe"}), "no error");
  EXPECT_NE(Program().error({"--layers"}), "no error");
  EXPECT_NE(Program().error({"--layers", "1", "--layers", "2"}), "no error");
}

TEST_F(CliTest, UnknownOptionsAreRefusedWithTheNearestName) {
  EXPECT_THAT(Program().error({"--layer", "3"}),
              HasSubstr("unknown option --layer; did you mean --layers?"));
  EXPECT_THAT(Program().error({"--zzzzzzzz=3"}), HasSubstr("unknown option --zzzzzzzz=3"));
  EXPECT_THAT(Program().error({"stray"}), HasSubstr("unexpected argument 'stray'"));
}

TEST_F(CliTest, UnknownRecipeKeysAreRefused) {
  const std::string path = recipe("layers = 2\ndropuot = 0.1\n");
  const std::string error = Program().error({"--config", path.c_str()});
  EXPECT_THAT(error, HasSubstr("recipe.toml"));
  EXPECT_THAT(error, HasSubstr("unknown key 'dropuot'; did you mean dropout?"));
}

TEST_F(CliTest, BrokenAndMissingRecipesSayWhichFile) {
  const std::string path = recipe("layers = 2\n[model]\n");
  EXPECT_THAT(Program().error({"--config", path.c_str()}),
              HasSubstr("recipe.toml: line 2: tables"));
  EXPECT_THAT(Program().error({"--config", "nowhere.toml"}),
              HasSubstr("no recipe file 'nowhere.toml'"));
  EXPECT_THAT(Program().error({"--config", folder.path().c_str()}), HasSubstr("is a folder"));
  const std::string nested = recipe("config = \"other.toml\"");
  EXPECT_THAT(Program().error({"--config", nested.c_str()}),
              HasSubstr("'config' is not allowed in a recipe"));
  const std::string wrong = recipe("lr = true");
  EXPECT_THAT(Program().error({"--config", wrong.c_str()}),
              HasSubstr("--lr: must be a number, not 'true'"));
  const std::string empty = recipe("lr = []");
  EXPECT_THAT(Program().error({"--config", empty.c_str()}), HasSubstr("--lr: needs a value"));
  const std::string many = recipe("lr = [1, 2]");
  EXPECT_THAT(Program().error({"--config", many.c_str()}), HasSubstr("--lr"));
}

TEST_F(CliTest, HelpShowsGroupsDefaultsAndNames) {
  try {
    Program().run({"--help"});
    FAIL() << "no help";
  } catch (const CLI::CallForHelp& help) {
    EXPECT_THAT(help.what(), HasSubstr("Model:"));
    EXPECT_THAT(help.what(), HasSubstr("--layers INT=4"));
    EXPECT_THAT(help.what(), HasSubstr("Fruit (apple, passion-fruit)"));
    EXPECT_THAT(help.what(), HasSubstr("--tied=false: off"));
    EXPECT_THAT(help.what(), HasSubstr("--clip NUMBER "));
  }
}

std::string help_of(Program& p, const char* flag) {
  try {
    p.run({flag});
  } catch (const CLI::Success& help) {
    return help.what();
  }
  return "no help";
}

TEST_F(CliTest, ShortHelpBeginsWithExamplesAndListsSomeOptions) {
  Program p;
  set_help(p.app, {"program --layers 2", "program --name x"}, {"layers", "config"});
  const std::string brief = help_of(p, "--help");
  EXPECT_TRUE(brief.starts_with("A test\n\nExamples:\n  program --layers 2\n  program --name x\n"))
      << brief;
  EXPECT_THAT(brief, HasSubstr("--layers INT=4"));
  EXPECT_THAT(brief, HasSubstr("--help-all"));
  EXPECT_THAT(brief, Not(HasSubstr("--fruit")));
  EXPECT_THAT(brief, HasSubstr("11 more options: program --help-all"));
  Program all;
  set_help(all.app, {"program --layers 2"}, {"layers", "config"});
  EXPECT_THAT(help_of(all, "--help-all"), HasSubstr("--fruit"));
}

struct RateOptions {
  double rate = 0.5;
};

template <class Visitor>
void visit(RateOptions& o, Visitor&& v) {
  v("learning-rate", o.rate, "Rate");
}

struct RateProgram {
  CLI::App app{"A test"};
  RateOptions options;
  RateProgram() {
    add_options(app, "Training", options);
    add_config_option(app);
  }
  /// What is written on stderr.
  std::string run(std::vector<const char*> words) {
    words.insert(words.begin(), "program");
    ::testing::internal::CaptureStderr();
    parse(app, static_cast<int>(words.size()), words.data());
    return ::testing::internal::GetCapturedStderr();
  }
};

TEST_F(CliTest, OtherNamesAreUnderstoodWithOneNoteForAll) {
  RateProgram p;
  EXPECT_EQ(p.run({"--lr=0.1"}), "note: --lr is called --learning-rate here\n");
  EXPECT_EQ(p.options.rate, 0.1);
  RateProgram again;
  EXPECT_EQ(again.run({"--lr", "0.2"}), "");
  EXPECT_EQ(again.options.rate, 0.2);
  const char* argv[] = {"program", "--lr", "0.2"};
  EXPECT_THAT(given_flags(again.app, 3, argv), ElementsAre("learning-rate"));
}

TEST_F(CliTest, OtherNamesAreUnderstoodInRecipes) {
  const std::string path = recipe("max-lr = 0.3\n");
  RateProgram p;
  EXPECT_THAT(p.run({"--config", path.c_str()}), HasSubstr("--max-lr is called --learning-rate"));
  EXPECT_EQ(p.options.rate, 0.3);
}

/// A program that takes texts, as most do.
struct TextProgram : Program {
  std::vector<std::string> texts;
  TextProgram() { add_texts(app, "text", texts, "Texts"); }
};

TEST_F(CliTest, TextsAreTakenAsTheyStand) {
  const std::vector<const char*> texts = {"[MASK] is here",
                                          "[ab,cd]",
                                          "[x]",
                                          "[]",
                                          "a,b",
                                          "#1",
                                          "\"quoted\"",
                                          "'single'",
                                          "",
                                          "{}",
                                          "++",
                                          "=",
                                          "k=v",
                                          "%d $x",
                                          "- a",
                                          "-5",
                                          "-",
                                          "[a"};
  TextProgram p;
  p.run(texts);
  EXPECT_THAT(p.texts, ::testing::ElementsAreArray(texts));
}

TEST_F(CliTest, TextsThatBeginWithADashStandBehindTwo) {
  TextProgram p;
  p.run({"one", "--layers", "3", "--", "--layers", "-x", "--", "[a,b]"});
  EXPECT_THAT(p.texts, ElementsAre("one", "--layers", "-x", "--", "[a,b]"));
  EXPECT_EQ(p.options.layers, 3);
  EXPECT_THAT(TextProgram().error({"-x"}), HasSubstr("unknown option -x; a text that begins"));
}

TEST_F(CliTest, FlagsAndTextsMayBeMixed) {
  TextProgram p;
  p.run({"[a,b]", "--verbose", "c", "--name", "[d,e]", "f", "--stop", "[g]", "h", "--tied=off"});
  EXPECT_THAT(p.texts, ElementsAre("[a,b]", "c", "f", "h"));
  EXPECT_EQ(p.options.name, "[d,e]");
  EXPECT_THAT(p.options.stop, ElementsAre("[g]"));
  EXPECT_TRUE(p.options.verbose);
  EXPECT_FALSE(p.options.tied);
}

TEST_F(CliTest, ValuesAreTakenAsTheyStand) {
  for (const char* value : {"", "--name", "--", "[a,b]", "#", "\"", "a=b", " x "}) {
    Program spaced, joined;
    spaced.run({"--name", value, "--layers", "2"});
    EXPECT_EQ(spaced.options.name, value);
    const std::string both = std::string("--name=") + value;
    joined.run({both.c_str(), "--layers", "2"});
    EXPECT_EQ(joined.options.name, value);
    EXPECT_EQ(joined.options.layers, 2);
  }
}

TEST_F(CliTest, MistakesAreSaidInWordsOfOurOwn) {
  EXPECT_EQ(Program().error({"--layers"}), "--layers needs a value");
  EXPECT_EQ(Program().error({"--layers", "1", "--layers", "2"}),
            "--layers takes one value, got 2; give it once");
  EXPECT_EQ(Program().error({"--tied=maybe"}), "--tied: must be true or false, not 'maybe'");
  EXPECT_EQ(Program().error({"--tied="}), "--tied: must be true or false, not ''");
  const std::string many = recipe("lr = [1, 2]"), maybe = recipe("tied = 'maybe'");
  EXPECT_EQ(Program().error({"--config", maybe.c_str()}),
            "--tied: must be true or false, not 'maybe'");
}

TEST_F(CliTest, OptionsThatNothingUsesAreRefusedByTheirGroup) {
  Program p;
  p.run({"--layers", "2"});
  EXPECT_NO_THROW(refuse_group(p.app, "Another", "is for others"));
  EXPECT_THAT([&] { refuse_group(p.app, "Model", "is for others"); },
              ::testing::ThrowsMessage<CLI::ValidationError>(HasSubstr("--layers is for others")));
  Program none;
  none.run({});
  EXPECT_NO_THROW(refuse_group(none.app, "Model", "is for others"));
}

TEST_F(CliTest, RefusesNumbersThatAreNone) {
  for (const char* value : {"nan", "-nan", "inf", "-inf", "infinity", "1e400"})
    EXPECT_THAT(Program().error({"--lr", value}), HasSubstr("--lr: must be a number, not"));
  const std::string path = recipe("lr = nan\n");
  EXPECT_THAT(Program().error({"--config", path.c_str()}),
              HasSubstr("must be a number, not 'nan'"));
}

TEST_F(CliTest, RecipesAreShortUtf8Texts) {
  EXPECT_THAT(Program().error({"--config", "/dev/zero"}), HasSubstr("is this a recipe?"));
  const std::string wide = recipe(std::string("\xFF\xFEl\0a\0", 6));
  EXPECT_THAT(Program().error({"--config", wide.c_str()}), HasSubstr("UTF-16, expected UTF-8"));
  const std::string marked = recipe("\xEF\xBB\xBFlayers = 6\r\nname = '#[a,b]\"'\r\n");
  Program p;
  p.run({"--config", marked.c_str()});
  EXPECT_EQ(p.options.layers, 6);
  EXPECT_EQ(p.options.name, "#[a,b]\"");
}

TEST(GivenFlagsTest, AreThoseOfTheCommandLineOnly) {
  const char* argv[] = {"program", "--lr", "0.1", "--out=x", "-h", "--", "--after"};
  EXPECT_THAT(given_flags(Program().app, 7, argv), ElementsAre("lr", "out"));
}

}  // namespace
}  // namespace zoo
