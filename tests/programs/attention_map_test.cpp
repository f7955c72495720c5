// The program `attention_map` for every family, on folders written here: what it draws, what it
// says of heads, and bad input in one line. Of a GPT, generate_test.cpp has more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "app/figures/heat_map.h"
#include "base/files.h"
#include "models/images/preprocess.h"
#include "models/pretrained/bert/bert_checkpoint.h"
#include "models/pretrained/clip/clip_checkpoint.h"
#include "models/pretrained/transformer/recurrent_checkpoint.h"
#include "models/pretrained/transformer/transformer_checkpoint.h"
#include "models/pretrained/vision/image_classifier_checkpoint.h"
#include "models/vision/vit.h"
#include "tests/programs/letter_gpt.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/character.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::run_program;

const CharacterTokenizer kLetters = testing::letters();

class AttentionMapTest : public ::testing::Test {
 protected:
  fs::path new_model(const std::string& name) const {
    fs::create_directory(folder_ / name);
    return folder_ / name;
  }
  fs::path bert() const {
    const auto path = new_model("bert");
    BertTaskOptions o{.bert = BertOptions::tiny(), .task = BertTask::kNone};
    o.bert.vocab_size = kLetters.vocab_size();
    o.bert.context = 16;
    save_bert(BertTaskModel(o), path);
    kLetters.save(path);
    return path;
  }
  fs::path transformer() const {
    const auto path = new_model("transformer");
    TransformerOptions o = TransformerOptions::tiny();
    o.vocab_size = kLetters.vocab_size();
    o.context = 16;
    save_transformer(Transformer(o), path,
                     {.bos = 12, .eos = {13}, .pad = 11, .decoder_start = 12});
    kLetters.save(path);
    return path;
  }
  static void save_steps(int64_t side, int64_t channels, const fs::path& path) {
    auto steps = default_preprocessing(ImageProcessor::kVit);
    steps.height = steps.width = static_cast<int>(side);
    steps.mean = steps.std = std::vector<double>(static_cast<size_t>(channels), 0.5);
    write_preprocessing(steps, path);
  }
  fs::path vit() const {
    const auto path = new_model("vit");
    const Vit model(VitOptions::pixels28());
    save_image_classifier(*model, path);
    save_steps(28, 1, path);
    return path;
  }
  fs::path clip() const {
    const auto path = new_model("clip");
    ClipOptions o = ClipOptions::tiny();
    o.text.vocab_size = kLetters.vocab_size();
    save_clip(*Clip(o), path, {.eos = {13}});
    kLetters.save(path);
    save_steps(o.image.image_size, 3, path);
    return path;
  }
  std::string picture() const {
    const auto path = folder_ / "picture.png";
    Image image{.width = 40, .height = 30, .rgb = std::vector<uint8_t>(40 * 30 * 3, 200)};
    write_png(path, image);
    return path.string();
  }
  testing::ProgramResult look(const fs::path& model, std::vector<std::string> input) const {
    input.insert(input.begin(), {"--model", model.string(), "--threads", "1", "--out",
                                 (folder_ / "map").string()});
    return run_program("attention_map", input);
  }
  json looked(const fs::path& model, std::vector<std::string> input) const {
    input.emplace_back("--json");
    const auto result = look(model, input);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const json answer = json::parse(result.out, nullptr, /*allow_exceptions=*/false);
    for (const auto& file : answer["files"])
      EXPECT_TRUE(fs::exists(file.get<std::string>())) << file;
    return answer;
  }
  void refused(const fs::path& model, const std::vector<std::string>& input, int code,
               const std::string& text) const {
    testing::expect_one_line(look(model, input), code, "attention_map", text);
  }
  testing::TemporaryFolder folder_;
};

TEST_F(AttentionMapTest, DrawsATextAndAPairOfAnEncoder) {
  const auto model = bert();
  const auto one = looked(model, {"--text", "abc"});
  ASSERT_EQ(one["maps"].size(), 1U);
  EXPECT_THAT(one["maps"][0]["queries"], ElementsAre("a", "b", "c"));
  EXPECT_EQ(one["maps"][0]["heads"].size(), 4U);
  EXPECT_EQ(looked(model, {"--text", "abc", "--pair", "de"})["maps"][0]["keys"].size(), 5U);
  const auto table = look(model, {"--text", "abc"});
  EXPECT_THAT(table.out, HasSubstr("multi_head_attention_map.png\n"));
  EXPECT_THAT(table.out, HasSubstr("self attention, 4 heads"));
  refused(model, {"--pair", "a"}, 2, "give the first with --text");
  refused(model, {"--image", picture()}, 2, "an encoder of text; it looks at --text and --pair");
  refused(model, {}, 2, "nothing to look at");
  refused(model, {"--text", std::string(17, 'a')}, 1,
          "--text has 17 tokens, the model's context is 16");
}

TEST_F(AttentionMapTest, DrawsThreeMapsOfAnEncoderDecoder) {
  const auto model = transformer();
  const auto given = looked(model, {"--source", "abc", "--target", "de"});
  ASSERT_EQ(given["maps"].size(), 3U);
  EXPECT_EQ(given["maps"][2]["name"], "cross");
  EXPECT_THAT(given["maps"][2]["queries"], ElementsAre("<s>", "d", "e"));
  EXPECT_EQ(given["maps"][2]["keys"][0], "a");
  EXPECT_TRUE(fs::exists(folder_ / "map/cross-layer-0.png"));
  // Without a target the model translates: never less than its start token.
  EXPECT_EQ(looked(model, {"--source", "abc"})["maps"][1]["queries"][0], "<s>");
  refused(model, {"--target", "a"}, 2, "give its text with --source");
  refused(model, {"--text", "a"}, 2, "an encoder-decoder; it looks at --source and --target");
  refused(model, {"--source", ""}, 2, "--source must not be empty");
}

TEST_F(AttentionMapTest, DrawsPatchesAndTheirRollout) {
  const auto model = vit();
  const auto answer = looked(model, {"--image", picture()});
  EXPECT_EQ(answer["maps"][0]["keys"].size(), 1U + 7 * 7);
  EXPECT_EQ(answer["input"], "picture.png");
  EXPECT_TRUE(fs::exists(folder_ / "map/rollout.png"));
  refused(model, {"--text", "a"}, 2, "a model of images; it looks at --image");
  refused(model, {"--image", (folder_ / "absent.png").string()}, 1, "absent.png");
}

TEST_F(AttentionMapTest, DrawsBothTowersOfAClipOrOne) {
  const auto model = clip();
  const auto both = looked(model, {"--image", picture(), "--text", "abc"});
  ASSERT_EQ(both["maps"].size(), 2U);
  EXPECT_EQ(both["maps"][0]["name"], "image");
  EXPECT_EQ(both["maps"][1]["queries"].back(), "</s>");
  EXPECT_EQ(looked(model, {"--text", "abc"})["maps"].size(), 1U);
  refused(model, {"--source", "a"}, 2, "a CLIP; it looks at --image and --text");
}

TEST_F(AttentionMapTest, AModelWithoutHeadsIsRefused) {
  const auto path = new_model("recurrent");
  RecurrentOptions o;
  o.vocab_size = o.source_vocab_size = kLetters.vocab_size();
  o.d_model = 8;
  save_recurrent(Recurrent(o), path, {.bos = 12, .eos = {13}, .pad = 11, .decoder_start = 12});
  kLetters.save(path);
  refused(path, {"--source", "abc"}, 1, "this kind of model has no attention heads");
}

}  // namespace
}  // namespace zoo
