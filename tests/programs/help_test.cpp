// What all programs share: short help that begins with examples, and one vocabulary of options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "tests/programs/run_program.h"

namespace zoo {
namespace {

using ::testing::AllOf;
using testing::expect_one_line;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::run_program;

std::vector<std::string> lines_in(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

const char* const kPrograms[] = {
    "attention_map", "classify_image", "classify_text", "compare_runs",     "compare_attention",
    "fill_mask",     "forward",        "generate",      "inspect",          "look_inside",
    "match_images",  "prune_heads",    "score",         "search_sentences", "tokenize",
    "train_bert",    "train_clip",     "train_gpt",     "train_tokenizer",  "train_transformer",
    "train_vit",     "translate"};

TEST(HelpTest, IsShortAndBeginsWithTwoExamples) {
  for (const std::string program : kPrograms) {
    const auto help = run_program(program, {"--help"});
    ASSERT_EQ(help.exit_code, 0) << program;
    const auto lines = lines_in(help.out);
    EXPECT_LE(lines.size(), 70U) << program;
    ASSERT_GT(lines.size(), 5U) << program;
    EXPECT_EQ(lines[2], "Examples:") << program;
    for (const size_t at : {3U, 4U}) EXPECT_THAT(lines[at], HasSubstr(program + " ")) << program;
    EXPECT_TRUE(lines[5].empty()) << program;
  }
}

TEST(HelpTest, ExamplesUseOptionsThatTheProgramHas) {
  for (const std::string program : kPrograms) {
    const auto all = run_program(program, {"--help-all"});
    ASSERT_EQ(all.exit_code, 0) << all.err;
    const std::string known = all.out;
    const auto lines = lines_in(known);
    ASSERT_GT(lines.size(), 5U) << program;
    for (const size_t at : {3U, 4U}) {
      std::istringstream words(lines[at]);
      for (std::string word; words >> word;)
        if (word.starts_with("--"))
          EXPECT_THAT(known, HasSubstr("\n  " + word)) << program << ": " << lines[at];
    }
  }
}

TEST(HelpTest, TrainingProgramsListRecipesPresetsAndTokenizers) {
  const auto gpt = run_program("train_gpt", {"--help"}).out;
  EXPECT_THAT(gpt, HasSubstr("Recipes (--config NAME): gpt-"));
  EXPECT_THAT(gpt, AllOf(HasSubstr("gpt-shakespeare-cpu"), HasSubstr("gpt-shakespeare,")));
  EXPECT_THAT(gpt, HasSubstr("Presets (--preset NAME): tiny, gpt2, gpt2-medium"));
  EXPECT_THAT(gpt, HasSubstr("byte-bpe, wordpiece, bpe, sentencepiece-bpe, "
                             "sentencepiece-unigram, character"));
  EXPECT_THAT(gpt, Not(HasSubstr("--rotary-factor")));
  EXPECT_THAT(run_program("train_gpt", {"--help-all"}).out, HasSubstr("--rotary-factor"));
  EXPECT_THAT(run_program("train_vit", {"--help"}).out, HasSubstr("vit-mnist"));
}

TEST(OptionNamesTest, OldNamesAreUnderstoodWithANote) {
  struct Old {
    const char *program, *old, *today;
  };
  for (const auto& [program, old, today] :
       std::vector<Old>{{"fill_mask", "top-k", "top"},
                        {"search_sentences", "top-n", "top"},
                        {"search_sentences", "sentences", "file"},
                        {"match_images", "texts", "file"},
                        {"match_images", "sheet", "page"},
                        {"match_images", "picture", "image"},
                        {"score", "hypotheses", "file"},
                        {"classify_image", "rollout", "page"},
                        {"translate", "alignment", "page"},
                        {"train_vit", "model", "architecture"}}) {
    const auto help = run_program(program, {std::string("--") + old, "1", "--help"});
    EXPECT_EQ(help.exit_code, 0) << program << " --" << old;
    EXPECT_EQ(help.err, std::string("note: --") + old + " is now --" + today + "\n") << program;
  }
}

TEST(OptionNamesTest, UsualNamesAreUnderstoodWithANote) {
  struct Usual {
    const char *program, *usual, *today;
  };
  for (const auto& [program, usual, today] :
       std::vector<Usual>{{"train_gpt", "lr", "learning-rate"},
                          {"train_gpt", "steps", "max-steps"},
                          {"train_gpt", "batch", "batch-size"},
                          {"train_gpt", "block-size", "context"},
                          {"train_gpt", "wd", "weight-decay"},
                          {"train_gpt", "warmup", "warmup-steps"},
                          {"train_gpt", "n-layer", "layers"},
                          {"train_gpt", "n_head", "heads"},
                          {"train_gpt", "n-embd", "d-model"},
                          {"train_gpt", "output-dir", "out"},
                          {"train_bert", "hidden-size", "d-model"},
                          {"train_vit", "lr", "learning-rate"},
                          {"train_clip", "steps", "max-steps"},
                          {"train_transformer", "lr", "learning-rate"},
                          {"train_tokenizer", "output-dir", "out"},
                          {"generate", "temp", "temperature"},
                          {"generate", "max-tokens", "max-new-tokens"},
                          {"generate", "checkpoint", "model"},
                          {"translate", "beams", "num-beams"},
                          {"compare_attention", "html", "page"}}) {
    const auto help = run_program(program, {std::string("--") + usual, "1", "--help"});
    EXPECT_EQ(help.exit_code, 0) << program << " --" << usual;
    EXPECT_EQ(help.err, std::string("note: --") + usual + " is called --" + today + " here\n")
        << program;
  }
}

TEST(OptionNamesTest, OtherOptionsAreAnsweredInOneLine) {
  const auto refused = [](const std::string& program, std::vector<std::string> words,
                          const std::string& text) {
    expect_one_line(run_program(program, words), 2, program, text);
  };
  refused("train_gpt", {"--epochs", "3"}, "training is counted in updates: --max-steps");
  refused("train_gpt", {"--dropout", "0.1"},
          "there are several: --residual-dropout, --attention-dropout");
  refused("train_gpt", {"--model", "x"}, "to start from a trained model: --init-from");
  refused("train_transformer", {"--layers", "2"}, "--encoder-layers, --decoder-layers");
  refused("train_transformer", {"--batch-size", "2"}, "a batch is counted in tokens");
  refused("generate", {"--model", "x", "--prompt", "y"}, "the prompt is given without --prompt");
}

TEST(OptionNamesTest, InspectTakesItsModelEitherWay) {
  const auto named = run_program("inspect", {"--model", "tests/golden/gpt2", "--json"});
  EXPECT_EQ(named.exit_code, 0) << named.err;
  EXPECT_EQ(named.out, run_program("inspect", {"tests/golden/gpt2", "--json"}).out);
  expect_one_line(run_program("inspect", {}), 2, "inspect", "name one checkpoint folder");
  expect_one_line(run_program("inspect", {"x", "--model", "y"}), 2, "inspect", "name one");
}

TEST(RecipeNamesTest, AnUnknownRecipeListsNearOnes) {
  expect_one_line(run_program("train_gpt", {"--config", "gpt-shakespear"}), 2, "train_gpt",
                  "no recipe file 'gpt-shakespear'; did you mean gpt-shakespeare");
}

TEST(RecipeNamesTest, ARecipeThatFineTunesDemandsAModel) {
  expect_one_line(run_program("train_bert", {"--config", "minilm-genres"}), 2, "train_bert",
                  "fine-tunes a trained model: name the model's folder with --init-from");
}

}  // namespace
}  // namespace zoo
