// The program `look_inside`: each verb on a model written here, its files, and bad input in one
// line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "app/figures/heat_map.h"
#include "app/figures/letters.h"
#include "base/files.h"
#include "models/images/preprocess.h"
#include "models/pretrained/bert/bert_checkpoint.h"
#include "models/pretrained/clip/clip_checkpoint.h"
#include "models/pretrained/format/safetensors.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
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
using ::testing::HasSubstr;
using testing::run_program;

class LookInsideTest : public ::testing::Test {
 protected:
  LookInsideTest() : letters_(testing::letters()) { testing::save_letter_gpt(gpt()); }
  fs::path gpt() const { return folder_ / "gpt"; }
  std::string out() const { return (folder_ / "out").string(); }
  testing::ProgramResult look(const std::string& verb, const fs::path& model,
                              std::vector<std::string> more) const {
    more.insert(more.begin(), {verb, "--model", model.string(), "--threads", "1"});
    return run_program("look_inside", more);
  }
  json looked(const std::string& verb, const fs::path& model, std::vector<std::string> more) const {
    more.emplace_back("--json");
    const auto result = look(verb, model, more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  }
  void refused(const std::string& verb, const fs::path& model, const std::vector<std::string>& more,
               int code, const std::string& text) const {
    testing::expect_one_line(look(verb, model, more), code, "look_inside", text);
  }
  fs::path new_bert(const std::string& name, BertTask task) const {
    fs::create_directory(folder_ / name);
    BertTaskOptions o{.bert = BertOptions::tiny(), .task = task};
    o.bert.vocab_size = letters_.vocab_size();
    save_bert(BertTaskModel(o), folder_ / name, {}, {"bad", "good"});
    letters_.save(folder_ / name);
    return folder_ / name;
  }
  fs::path new_vit(const std::string& name) const {
    fs::create_directory(folder_ / name);
    save_image_classifier(*Vit(VitOptions::pixels28()), folder_ / name);
    auto steps = default_preprocessing(ImageProcessor::kVit);
    steps.height = steps.width = 28;
    steps.mean = steps.std = {0.5};
    write_preprocessing(steps, folder_ / name);
    return folder_ / name;
  }
  CharacterTokenizer letters_;
  testing::TemporaryFolder folder_;
};

TEST_F(LookInsideTest, EveryVerbAnswersAndWritesItsPage) {
  const std::pair<std::string, std::vector<std::string>> verbs[] = {
      {"lens", {"--text", "abca"}},
      {"induction", {"--length", "6"}},
      {"heads", {"--text", "abca"}},
      {"patch", {"--text", "abca", "--corrupted", "abda", "--answer", "a", "--other", "b"}},
      {"embeddings", {"--text", "abca"}},
      {"statistics", {"--text", "abca"}}};
  for (auto [verb, flags] : verbs) {
    flags.insert(flags.end(), {"--out", out()});
    const auto result = look(verb, gpt(), flags);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    for (const std::string ending : {".html", ".json"}) {
      EXPECT_THAT(result.out, HasSubstr(out() + "/" + verb + ending));
      EXPECT_GT(read_file(out() + "/" + verb + ending).size(), 20U);
    }
    EXPECT_THAT(result.out, HasSubstr(".png\n"));
  }
}

TEST_F(LookInsideTest, JsonHoldsANumberForEachLayerHeadAndToken) {
  const auto lens = looked("lens", gpt(), {"--text", "abc", "--top", "3"});
  ASSERT_EQ(lens["tokens"].size(), 3U);
  EXPECT_EQ(lens["tokens"][0]["after"].size(), 3U);
  EXPECT_EQ(lens["tokens"][0]["after"][0]["top"].size(), 3U);
  const auto induction = looked("induction", gpt(), {"--length", "4"});
  EXPECT_EQ(induction["scores"].size(), 2U);
  EXPECT_EQ(induction, looked("induction", gpt(), {"--length", "4"}));
  EXPECT_EQ(looked("heads", gpt(), {"--text", "abc"})["pruning"]["by_gradient"]["losses"].size(),
            9U);
  const auto patch = looked("patch", gpt(),
                            {"--text", "ab", "--corrupted", "ac", "--answer", "a", "--other", "b"});
  EXPECT_NEAR(patch["restored"][2][1].get<double>(), 1, 1e-3);
  const auto parts = looked("patch", gpt(),
                            {"--text", "ab", "--corrupted", "ac", "--answer", "a", "--other", "b",
                             "--what", "feed-forward"});
  EXPECT_EQ(parts["what"], "feed-forward");
  EXPECT_EQ(parts["restored"].size(), 2U);
  EXPECT_EQ(looked("embeddings", gpt(), {})["positions"].size(), 16U);
}

TEST_F(LookInsideTest, HeadsAreJudgedInOtherFamiliesToo) {
  const auto pair = folder_ / "pair";
  fs::create_directory(pair);
  TransformerOptions o = TransformerOptions::tiny();
  o.vocab_size = letters_.vocab_size();
  o.context = 16;
  save_transformer(Transformer(o), pair, {.bos = 12, .eos = {13}, .pad = 11, .decoder_start = 12});
  letters_.save(pair);
  const auto heads = looked("heads", pair, {"--source", "abc", "--target", "cba"});
  EXPECT_EQ(heads["layers"], json({"encoder 0", "decoder 0", "cross 0"}));
  refused("lens", pair, {"--source", "abc", "--target", "a"}, 1, "lens reads decoders of text");
}

TEST_F(LookInsideTest, StatisticsAreThoseOfEveryFamilysModules) {
  const auto folder = [&](const char* name) {
    fs::create_directory(folder_ / name);
    letters_.save(folder_ / name);
    return folder_ / name;
  };
  const auto modules_of = [&](const fs::path& model, const std::vector<std::string>& input,
                              const json& loss) {
    const auto all = looked("statistics", model, input);
    EXPECT_EQ(all["loss_of"], loss);
    std::map<std::string, json> modules;
    for (const auto& module : all["modules"]) modules[module["module"]] = module;
    return modules;
  };
  const auto bert = new_bert("bert", BertTask::kNone);
  const auto encoder = modules_of(bert, {"--text", "abc", "--pair", "d"}, json());
  EXPECT_TRUE(encoder.at("bert.blocks.1.attention.in_proj")["rms"].is_number());
  EXPECT_TRUE(encoder.at("bert.blocks.1.attention.in_proj")["gradient_rms"].is_null());
  const auto clip = folder("clip");
  ClipOptions c = ClipOptions::tiny();
  c.text.vocab_size = letters_.vocab_size();
  save_clip(*Clip(c), clip, {.eos = {13}});
  const auto text = modules_of(clip, {"--text", "abc"}, json());
  EXPECT_TRUE(text.at("text_projection")["rms"].is_number());
  EXPECT_TRUE(text.at("image_projection")["rms"].is_null());
  const auto pair = folder("pair");
  TransformerOptions o = TransformerOptions::tiny();
  o.vocab_size = letters_.vocab_size();
  save_transformer(Transformer(o), pair, {.bos = 12, .eos = {13}, .pad = 11, .decoder_start = 12});
  const auto both =
      modules_of(pair, {"--source", "abc", "--target", "cb"}, "loss of the target's tokens");
  EXPECT_GT(both.at("decoder.0.cross_attention.out_proj")["gradient_rms"].get<double>(), 0);
  const auto vit = new_vit("vit");
  write_png(folder_ / "grey.png", blank_image(28, 28, {200, 10, 90}));
  const auto image = modules_of(vit, {"--image", (folder_ / "grey.png").string()},
                                "loss of the class that the model says");
  EXPECT_TRUE(image.at("head")["gradient_weight"].is_number());
  refused("statistics", vit, {"--text", "a"}, 2, "is a model of images; it looks at --image");
}

TEST_F(LookInsideTest, ProbesReadTextsAndWords) {
  std::string texts, words;
  for (const std::string text : {"abc", "abd", "bca", "cab", "dab", "bda", "cad", "acb"}) {
    texts += "one\t" + text + "\ntwo\te" + text + "\n";
    words += text + " A\ne" + text + " B\n\n";
  }
  write_file(folder_ / "texts.tsv", texts);
  write_file(folder_ / "words.txt", words);
  const auto from = [&](const char* name) { return (folder_ / name).string(); };
  const auto probe = looked("probe", gpt(), {"--data", from("texts.tsv"), "--pool", "mean"});
  EXPECT_EQ(probe["labels"], json({"one", "two"}));
  EXPECT_EQ(probe["layers"].size(), 3U);
  EXPECT_EQ(probe["held_out_examples"], 4);
  EXPECT_EQ(probe, looked("probe", gpt(), {"--data", from("texts.tsv"), "--seed", "1"}));
  const auto bert = new_bert("bert", BertTask::kNone);
  const auto of_words = looked("probe", bert, {"--data", from("words.txt"), "--words"});
  EXPECT_EQ(of_words["fitted_examples"].get<int>() + of_words["held_out_examples"].get<int>(), 16);
  const auto result = look("probe", bert, {"--data", from("texts.tsv"), "--out", out()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr(out() + "/probe.png"));
  refused("probe", bert, {"--data", from("words.txt")}, 1, "line 1");
  refused("probe", gpt(), {}, 2, "probe needs examples: give a file with --data");
  refused("probe", gpt(), {"--data", from("none.tsv")}, 1, "none.tsv");
  refused("probe", gpt(), {"--data", from("texts.tsv"), "--text", "a"}, 2, "leave the input out");
  write_file(folder_ / "same.tsv",
             "one\ta\none\tb\none\tc\none\td\none\te\none\tf\none\tg\none\th\n");
  refused("probe", gpt(), {"--data", from("same.tsv")}, 1, "all examples have the label 'one'");
  write_file(folder_ / "few.tsv", "one\ta\ntwo\tb\n");
  refused("probe", gpt(), {"--data", from("few.tsv")}, 1, "2 examples are too few");
  refused("probe", gpt(), {"--data", from("texts.tsv"), "--decay", "0"}, 1, "--decay 0");
  refused("lens", gpt(), {"--text", "a", "--data", from("texts.tsv")}, 2,
          "is for the verbs probe and influence");
}

TEST_F(LookInsideTest, ProbesReadClassFolders) {
  const auto vit = new_vit("vit");
  for (int n = 0; n < 6; ++n) {
    for (const std::string name : {"dark", "light"}) {
      fs::create_directories(folder_ / "images" / name);
      const auto grey = static_cast<uint8_t>((name == "dark" ? 20 : 200) + n);
      write_png(folder_ / "images" / name / (std::to_string(n) + ".png"),
                blank_image(28, 28, {grey, grey, grey}));
    }
  }
  const auto probe = looked("probe", vit, {"--data", (folder_ / "images").string()});
  EXPECT_EQ(probe["labels"], json({"dark", "light"}));
  EXPECT_EQ(probe["layers"][0]["accuracy"], 1);
  refused("probe", vit, {"--data", (folder_ / "images" / "dark").string()}, 1, "dark");
}

TEST_F(LookInsideTest, InfluenceOfExamplesByGradientsAndByAHead) {
  write_file(folder_ / "lines.txt", "abcabc\n\ncccc\nabc\n");
  const auto from = [&](const char* name) { return (folder_ / name).string(); };
  const auto lines = looked("influence", gpt(), {"--data", from("lines.txt"), "--text", "abcabc"});
  ASSERT_EQ(lines["examples"].size(), 3U);
  EXPECT_NEAR(lines["examples"][0]["cosine"].get<double>(), 1, 1e-5) << "it is the text itself";
  const auto bert = new_bert("bert", BertTask::kClassifyText);
  write_file(folder_ / "texts.tsv", "good\tabc\nbad\tabd\ngood\tacb\nbad\tadb\n");
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--data", from("texts.tsv"), "--text", "abc"});
    return more;
  };
  const auto gradients = looked("influence", bert, with({"--label", "good"}));
  EXPECT_EQ(gradients["loss_of"], "loss of the label 'good'");
  EXPECT_NEAR(gradients["examples"][0]["cosine"].get<double>(), 1, 1e-5);
  const auto head =
      looked("influence", gpt(), with({"--method", "head", "--retrain", "--label", "good"}));
  ASSERT_EQ(head["examples"].size(), 4U);
  EXPECT_GT(head["examples"][0]["influence"].get<double>(), 0);
  EXPECT_GT(head["examples"][0]["left_out"].get<double>(), 0);
  const auto result = look("influence", bert, with({"--out", out()}));
  EXPECT_THAT(result.out, HasSubstr(out() + "/influence.html"));
  refused("influence", bert, with({"--label", "fine"}), 1, "label 'fine' is none of the 2");
  refused("influence", bert, with({"--layer", "0"}), 2, "are for --method head");
  refused("influence", bert, with({"--method", "head", "--layer", "2"}), 1, "the layers 0 to 1");
  refused("influence", gpt(), with({"--label", "good"}), 2, "a GPT has none");
  refused("influence", gpt(), {"--data", from("lines.txt")}, 2, "nothing to look at");
  refused("influence", gpt(), {"--text", "abc"}, 2, "influence needs examples");
  write_file(folder_ / "plain.tsv", "abc\n");
  refused("influence", bert, {"--data", from("plain.tsv"), "--text", "a"}, 1, "line 1: 1 columns");
  refused("influence", new_bert("filler", BertTask::kMaskedLm), with({}), 1,
          "influence by gradients needs a loss");
}

TEST_F(LookInsideTest, ANeedleIsSoughtByDepthAndLength) {
  const CharacterTokenizer symbols(U"0123456789ab=");
  GptOptions o = GptOptions::tiny();
  o.layers = 1;
  o.d_model = 16;
  o.heads = 2;
  o.context = 12;
  o.position = PositionKind::kAlibi;
  o.vocab_size = symbols.vocab_size();
  const auto model = folder_ / "needle";
  fs::create_directory(model);
  save_gpt(Gpt(o), model);
  symbols.save(model);
  const auto result = looked("needle", model, {"--context", "40"});
  EXPECT_EQ(result["lengths"].back(), 38);
  ASSERT_EQ(result["found"].size(), 9U);
  EXPECT_EQ(result["found"][0].size(), 8U);
  EXPECT_FALSE(result.contains("found_with_options"));
  const auto both = looked("needle", model, {"--context", "40", "--window", "8", "--sinks", "2"});
  EXPECT_EQ(both["found"], result["found"]);
  EXPECT_EQ(both["found_with_options"].size(), 9U);
  refused("needle", model, {"--text", "a"}, 2, "needle makes its own texts");
  refused("needle", gpt(), {}, 1, "needs letters, digits");
  refused("lens", gpt(), {"--text", "a", "--context", "9"}, 2, "is for the verb needle");
}

TEST_F(LookInsideTest, WhatItCannotAnswerIsOneLine) {
  refused("lenses", gpt(), {"--text", "a"}, 2, "unknown verb 'lenses'");
  refused("lens", gpt(), {}, 2, "nothing to look at");
  refused("lens", gpt(), {"--image", "a.png"}, 2, "is a decoder of text; it looks at --text");
  refused("lens", gpt(), {"--text", "a", "--length", "4"}, 2, "is for the verb induction");
  refused("lens", gpt(), {"--text", std::string(17, 'a')}, 1, "the model's context is 16");
  refused("induction", gpt(), {"--length", "9"}, 1, "must fit the model's context of 16");
  refused("induction", gpt(), {"--text", "a"}, 2, "induction makes its own input");
  refused("heads", gpt(), {"--text", "a"}, 1, "too few for a loss");
  refused("patch", gpt(), {"--text", "a"}, 2, "give --text and --corrupted");
  refused("patch", gpt(), {"--text", "ab", "--corrupted", "a"}, 1, "as many tokens, got 2 and 1");
  refused("patch", gpt(), {"--text", "ab", "--corrupted", "ac", "--answer", "ab"}, 1,
          "--answer: 'ab' is 2 tokens");
  refused("patch", gpt(), {"--text", "ab", "--corrupted", "ac", "--what", "head"}, 2,
          "known are: residual, attention, feed-forward");
  refused("lens", gpt(), {"--text", "a", "--out", folder_.path().string()}, 1, "holds 'gpt'");
}

TEST_F(LookInsideTest, ACheckpointWithoutTheHeadThatIsAskedForIsOneLine) {
  const auto bert = new_bert("bert", BertTask::kNone);
  refused("heads", bert, {"--text", "abc"}, 1, "has no head for masked words");
  const auto bare = folder_ / "bare";  // a Llama without its output layer
  fs::create_directory(bare);
  const SafetensorsReader reader("tests/golden/llama");
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& name : reader.names()) tensors[name] = reader.tensor(name);
  tensors.erase("lm_head.weight");
  write_safetensors(bare / "model.safetensors", tensors);
  auto config = json::parse(read_file("tests/golden/llama/config.json"));
  config["architectures"] = {"LlamaModel"};
  write_file(bare / "config.json", config.dump());
  letters_.save(bare);
  refused("lens", bare, {"--text", "abc"}, 1, "a checkpoint without an output layer");
}

}  // namespace
}  // namespace zoo
