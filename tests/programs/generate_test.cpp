// The programs `generate` and `attention_map`: what they print, and bad input in one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/files.h"
#include "models/pretrained/format/safetensors.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/character.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::run_program;
using ::testing::StartsWith;

// 61 characters, as the golden model's vocabulary; the last one is its end of text.
const std::u32string kCharacters =
    U"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,:;!?\n#";

class GenerateTest : public ::testing::Test {
 protected:
  GenerateTest() {
    std::filesystem::copy("tests/golden/gpt2", model());
    CharacterTokenizer(kCharacters).save(model());
  }
  std::filesystem::path model() const { return folder / "model"; }
  ProgramResult generate(std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), {"--model", model().string(), "--threads", "1"});
    return run_program("generate", arguments, {.input = input});
  }
  /// The one line on stderr of a run that fails with this code.
  static std::string complaint(const ProgramResult& result, int code,
                               const std::string& program = "generate") {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith(program + ": "));
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
    return result.err;
  }
  testing::TemporaryFolder folder;
};

TEST_F(GenerateTest, PrintsThePromptAndWhatFollowsAndTheSpeedOnStderr) {
  const auto result = generate({"hello", "--max-new-tokens", "12"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("hello"));
  EXPECT_THAT(result.err, HasSubstr("tokens/s"));
  EXPECT_EQ(generate({"hello", "--max-new-tokens", "12"}).out, result.out);
  EXPECT_EQ(generate({"hello", "--max-new-tokens", "12", "--no-cache"}).out, result.out);
  EXPECT_EQ(generate({"hello", "--max-new-tokens", "12", "--attention", "matmul"}).out, result.out);
  EXPECT_NE(generate({"hello", "--max-new-tokens", "12", "--seed", "7"}).out, result.out);
}

TEST_F(GenerateTest, TakesPromptsFromArgumentsAFileOrStandardInput) {
  const std::vector<std::string> greedy = {"--temperature", "0", "--max-new-tokens", "5", "--json"};
  const auto with = [&](std::vector<std::string> more, const std::string& input = "") {
    more.insert(more.end(), greedy.begin(), greedy.end());
    const auto result = generate(more, input);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  const auto expected = with({"first", "second"});
  EXPECT_EQ(std::count(expected.begin(), expected.end(), '\n'), 2);
  write_file(folder / "prompts", "first\nsecond\n");
  EXPECT_EQ(with({"--file", (folder / "prompts").string()}), expected);
  EXPECT_EQ(with({}, "first\nsecond\n"), expected);
  EXPECT_EQ(with({}, "first\nsecond"), expected);
  EXPECT_EQ(with({"--interactive"}, "first\n"), with({"first"}));
  EXPECT_EQ(nlohmann::json::parse(with({})).at("prompt"), "");  // nothing at all: one empty prompt
}

TEST_F(GenerateTest, JsonHasOneObjectForEachSample) {
  const auto result = generate({"ab", "--num-samples", "3", "--max-new-tokens", "4", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::istringstream lines(result.out);
  int64_t samples = 0;
  for (std::string line; std::getline(lines, line); ++samples) {
    const auto object = nlohmann::json::parse(line);
    EXPECT_EQ(object.at("prompt"), "ab");
    EXPECT_EQ(object.at("sample"), samples);
    EXPECT_LE(object.at("tokens").size(), 4U);
    EXPECT_TRUE(object.at("finish_reason") == "length" || object.at("finish_reason") == "eos");
    EXPECT_LT(object.at("logprob").get<double>(), 0);
  }
  EXPECT_EQ(samples, 3);
}

TEST_F(GenerateTest, BeamsComeRankedWithTheirScores) {
  const auto result = generate({"ab", "cd", "--num-beams", "3", "--num-return-sequences", "3",
                                "--max-new-tokens", "5", "--json", "--batch-size", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::istringstream lines(result.out);
  std::vector<double> scores;
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line);
    EXPECT_EQ(object.at("prompt"), scores.size() < 3 ? "ab" : "cd");
    EXPECT_EQ(object.at("sample"), scores.size() % 3);
    scores.push_back(object.at("score"));
    if (scores.size() % 3 != 1) {
      EXPECT_LE(scores.back(), scores.at(scores.size() - 2));
    }
  }
  EXPECT_EQ(scores.size(), 6U);
}

TEST_F(GenerateTest, AForcedWordIsInEveryText) {
  const auto result =
      generate({"ab", "cd", "--num-beams", "4", "--num-return-sequences", "4", "--max-new-tokens",
                "6", "--force-words", "qX", "--force-words", "zebra|Z", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::istringstream lines(result.out);
  int texts = 0;
  for (std::string line; std::getline(lines, line); ++texts) {
    const std::string text = nlohmann::json::parse(line).at("text");
    EXPECT_THAT(text, HasSubstr("qX"));
    EXPECT_THAT(text, HasSubstr("Z"));
  }
  EXPECT_GE(texts, 2);
  EXPECT_THAT(
      complaint(
          generate({"a", "--num-beams", "2", "--max-new-tokens", "2", "--force-words", "abc"}), 2),
      HasSubstr("--force-words needs 3 tokens, more than max-new-tokens, which is 2"));
}

TEST_F(GenerateTest, GroupsOfBeamsAndContrastiveSearchAreThere) {
  const auto texts = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"ab", "--max-new-tokens", "6", "--json"});
    const auto result = generate(more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return std::count(result.out.begin(), result.out.end(), '\n');
  };
  EXPECT_EQ(texts({"--num-beams", "4", "--num-beam-groups", "2", "--diversity-penalty", "0.5",
                   "--num-return-sequences", "4"}),
            4);
  EXPECT_EQ(texts({"--penalty-alpha", "0.6", "--top-k", "4"}), 1);
}

TEST_F(GenerateTest, ADraftModelDoesNotChangeGreedyTexts) {
  const std::vector<std::string> greedy = {"hello", "ab", "--temperature", "0", "--max-new-tokens",
                                           "15"};
  auto drafted = greedy;
  drafted.insert(drafted.end(), {"--draft", model().string()});
  const auto result = generate(drafted);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, generate(greedy).out);
}

TEST_F(GenerateTest, ABadWordIsNeverWritten) {
  const auto text = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"a", "--return-full-text=false", "--temperature", "0"});
    return generate(more).out;
  };
  const auto letter = text({"--max-new-tokens", "1"}).substr(0, 1);
  EXPECT_EQ(text({"--max-new-tokens", "12", "--bad-words", letter}).find(letter),
            std::string::npos);
}

TEST_F(GenerateTest, InteractiveGoesOnAfterAPromptThatItCannotRead) {
  const auto result = generate({"--interactive", "--max-new-tokens", "3"}, "a1b\nfine\n");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("'1' (U+0031)"));
  EXPECT_THAT(result.out, StartsWith("fine"));
}

TEST_F(GenerateTest, TheFoldersSettingsAreDefaultsThatTheFirstLineNames) {
  write_file(model() / "generation_config.json",
             R"({"do_sample": false, "max_new_tokens": 4, "suppress_tokens": [3, 999]})");
  const auto tokens = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"ab", "--json"});
    const auto result = generate(more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out).at("tokens").get<std::vector<int64_t>>();
  };
  EXPECT_EQ(tokens({}).size(), 4U);
  EXPECT_EQ(tokens({}), tokens({"--temperature", "0"}));
  EXPECT_EQ(tokens({"--max-new-tokens", "2"}).size(), 2U);
  EXPECT_THAT(
      generate({"ab"}).err,
      StartsWith("generate: from generation_config.json: do_sample false, max_new_tokens 4, "
                 "suppress_tokens [3,999]\n"));
  EXPECT_THAT(complaint(generate({"ab", "--suppress-tokens", "999"}), 1),
              HasSubstr("suppress-tokens has token id 999"));
  write_file(model() / "generation_config.json", R"({"guidance_scale": 2.0})");
  EXPECT_THAT(complaint(generate({"ab"}), 1),
              HasSubstr("generation_config.json: \"guidance_scale\" is not honoured"));
  EXPECT_EQ(generate({"ab", "--generation-config=false", "--max-new-tokens", "1"}).exit_code, 0);
}

TEST_F(GenerateTest, ShowsTheIdsThatTheModelIsGiven) {
  const auto result = generate({"ab", "c", "--show-ids", "--max-new-tokens", "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("prompt 1: [0, 1] a b\nprompt 2: [2] c\n"));
}

TEST_F(GenerateTest, MoreBeamsThanTheMachineCanHoldAreRefusedInOneLine) {
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"--num-beams", "2147483647"},
        {"--num-beams", "9223372036854775807"},
        {"--num-samples", "4000000000", "--batch-size", "4000000000", "--do-sample"}}) {
    auto all = flags;
    all.emplace_back("a");
    const auto result = generate(all);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("rows of"));
    EXPECT_THAT(result.err, HasSubstr("GiB is available"));
  }
}

TEST_F(GenerateTest, RefusesOptionsThatMeanNothingBeforeItLoads) {
  const auto refused = [&](const std::string& name, const std::string& value) {
    return complaint(run_program("generate", {"--model", "nowhere", name, value, "a"}), 2);
  };
  EXPECT_THAT(refused("--temperature", "-1"), HasSubstr("--temperature must be 0"));
  EXPECT_THAT(refused("--temperature", "nan"),
              HasSubstr("--temperature: must be a number, not 'nan'"));
  EXPECT_THAT(refused("--temperature", "warm"), HasSubstr("--temperature"));
  EXPECT_THAT(refused("--top-p", "0"), HasSubstr("--top-p must be above 0 and at most 1, got 0"));
  EXPECT_THAT(refused("--top-p", "1.5"), HasSubstr("--top-p"));
  EXPECT_THAT(refused("--top-k", "-3"), HasSubstr("--top-k must be 0 (all tokens) or positive"));
  EXPECT_THAT(refused("--min-p", "2"), HasSubstr("--min-p"));
  EXPECT_THAT(refused("--repetition-penalty", "0"),
              HasSubstr("--repetition-penalty must be positive"));
  EXPECT_THAT(refused("--num-samples", "0"), HasSubstr("--num-return-sequences"));
  EXPECT_THAT(refused("--max-new-tokens", "-1"), HasSubstr("--max-new-tokens"));
  EXPECT_THAT(refused("--num-beams", "0"), HasSubstr("--num-beams must be at least 1, got 0"));
  EXPECT_THAT(refused("--length-penalty", "2"), HasSubstr("--length-penalty is for beam search"));
  EXPECT_THAT(refused("--early-stopping", "maybe"), HasSubstr("--early-stopping"));
  EXPECT_THAT(refused("--typical-p", "0"), HasSubstr("--typical-p must be above 0"));
  EXPECT_THAT(refused("--bad-words", ""), HasSubstr("--bad-words must not be empty"));
  EXPECT_THAT(refused("--force-words", "x"), HasSubstr("--force-words is for beam search"));
  EXPECT_THAT(refused("--force-words", ""), HasSubstr("--force-words must not be empty"));
  EXPECT_THAT(complaint(run_program("generate", {"--model", "nowhere", "a", "--num-beams", "2",
                                                 "--temperature", "2"}),
                        2),
              HasSubstr("--temperature is for sampling"));
  EXPECT_THAT(refused("--num-beam-groups", "2"), HasSubstr("a divisor of num-beams, which is 1"));
  EXPECT_THAT(refused("--penalty-alpha", "0.6"), HasSubstr("--penalty-alpha needs top-k"));
  EXPECT_THAT(refused("--batch-size", "0"), HasSubstr("--batch-size"));
  EXPECT_THAT(refused("--stop", ""), HasSubstr("--stop must not be empty"));
  EXPECT_THAT(complaint(run_program("generate", {"--model", "nowhere", "a", "--temperature", "0",
                                                 "--top-k", "5"}),
                        2),
              HasSubstr("--top-k is for sampling; temperature 0 draws nothing"));
  EXPECT_THAT(refused("--tempurature", "1"), HasSubstr("did you mean --temperature?"));
  EXPECT_THAT(refused("--file", "prompts"),
              HasSubstr("give prompts as arguments, with --file, or with"));
  EXPECT_THAT(complaint(run_program("generate", {"a"}), 2), HasSubstr("--model"));
}

TEST_F(GenerateTest, RefusesFoldersThatHoldNoLanguageModel) {
  const auto refused = [&](const std::filesystem::path& path, int code = 1) {
    return complaint(run_program("generate", {"--model", path.string(), "a"}), code);
  };
  EXPECT_THAT(refused(folder / "absent"), HasSubstr("there is no folder"));
  EXPECT_THAT(refused(model() / "config.json"), HasSubstr("is a file"));
  EXPECT_THAT(refused(folder.path()), HasSubstr("config.json"));
  EXPECT_THAT(refused("tests/golden/gpt2"), HasSubstr("tokenizer"));
  std::filesystem::remove(model() / "model.safetensors");
  EXPECT_THAT(refused(model()), HasSubstr("model.safetensors"));
  write_file(model() / "config.json", R"({"model_type": "bert", "architectures": ["BertModel"]})");
  EXPECT_THAT(refused(model()), HasSubstr("bert"));
}

TEST_F(GenerateTest, RefusesPromptsThatTheModelCannotRead) {
  EXPECT_THAT(complaint(generate({"caf\xC3\xA9"}), 1), HasSubstr("'é' (U+00E9) at byte 3"));
  EXPECT_THAT(complaint(generate({"fine", std::string(25, 'a')}), 1),
              HasSubstr("prompt 2 has 25 tokens, the model's context is 24"));
  EXPECT_THAT(complaint(generate({"a", "--attention", "fast"}), 2),
              HasSubstr("unknown kernel 'fast'"));
  EXPECT_THAT(complaint(generate({"--file", (folder / "absent").string()}), 1),
              HasSubstr("No such file"));
}

TEST_F(GenerateTest, AttentionMapWritesAPageAndAPictureOfEveryHead) {
  const auto out = folder / "map";
  const auto result = run_program(
      "attention_map", {"--model", model().string(), "--text", "To be, or", "--out", out.string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith((out / "attention.html").string() + "\n"));
  for (const std::string name :
       {"attention.html", "layer-0.png", "layer-1.png", "heads/layer-1-head-2.png"}) {
    EXPECT_THAT(result.out, HasSubstr((out / name).string()));
    EXPECT_GT(read_file(out / name).size(), 100U) << name;
  }
}

TEST_F(GenerateTest, AModelWithoutOutputLayerCanBeDrawnButNotContinued) {
  const SafetensorsReader reader("tests/golden/llama");
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& name : reader.names()) tensors[name] = reader.tensor(name);
  tensors.erase("lm_head.weight");
  write_safetensors(model() / "model.safetensors", tensors);
  auto config = nlohmann::json::parse(read_file("tests/golden/llama/config.json"));
  config["architectures"] = {"LlamaModel"};
  write_file(model() / "config.json", config.dump());
  CharacterTokenizer(kCharacters.substr(0, 47)).save(model());
  EXPECT_THAT(complaint(generate({"a"}), 1), HasSubstr("a checkpoint without an output layer"));
  const auto drawn = run_program("attention_map", {"--model", model().string(), "--text", "tobe",
                                                   "--out", (folder / "map").string()});
  EXPECT_EQ(drawn.exit_code, 0) << drawn.err;
}

TEST_F(GenerateTest, AttentionMapTakesAnyKernel) {
  const auto with = [&](const std::string& kernel) {
    return run_program("attention_map", {"--model", model().string(), "--text", "to be", "--out",
                                         (folder / "map").string(), "--attention", kernel});
  };
  EXPECT_EQ(with("matmul").exit_code, 0);
  EXPECT_EQ(with("torch").exit_code, 0);  // it forms no weights: matmul does, for this call
  EXPECT_THAT(complaint(with("fast"), 2, "attention_map"), HasSubstr("unknown kernel 'fast'"));
}

TEST_F(GenerateTest, AttentionMapRefusesTextsThatItCannotDraw) {
  const auto map = [&](const std::string& text, int code, const std::string& out = "map") {
    return complaint(run_program("attention_map", {"--model", model().string(), "--text", text,
                                                   "--out", (folder / out).string()}),
                     code, "attention_map");
  };
  EXPECT_THAT(map(std::string(25, 'a'), 1),
              HasSubstr("--text has 25 tokens, the model's context is 24"));
  EXPECT_THAT(map("", 2), HasSubstr("--text must not be empty"));
  EXPECT_THAT(map("1", 1), HasSubstr("'1' (U+0031)"));
  write_file(folder / "file", "x");
  EXPECT_THAT(map("fine", 1, "file/map"), HasSubstr("cannot write"));
}

}  // namespace
}  // namespace zoo
