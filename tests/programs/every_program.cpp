#include "tests/programs/every_program.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>

#include "app/figures/heat_map.h"
#include "base/files.h"
#include "models/images/preprocess.h"
#include "models/pretrained/vision/image_classifier_checkpoint.h"
#include "models/vision/vit.h"
#include "tests/programs/letter_gpt.h"
#include "tests/train/compare/made_runs.h"
#include "tests/train/data/image_files.h"

namespace zoo::testing {
namespace fs = std::filesystem;

const EveryProgram& EveryProgram::get() {
  static const EveryProgram every;
  return every;
}

EveryProgram::EveryProgram() {
  save_letter_gpt(path("gpt"));
  save_vit();
  write_data();
  for (const TinyTraining& training : trainings()) {
    const auto trained = train(training.name, training);
    EXPECT_EQ(trained.exit_code, 0) << training.name << ": " << trained.err;
  }
}

void EveryProgram::save_vit() const {
  fs::create_directory(path("vit"));
  save_image_classifier(*Vit(VitOptions::pixels28()), path("vit"));
  auto steps = default_preprocessing(ImageProcessor::kVit);
  steps.height = steps.width = 28;
  steps.mean = steps.std = {0.5};
  write_preprocessing(steps, path("vit"));
}

void EveryProgram::write_data() const {
  write_idx_folder(path("idx"), 40, 12);
  for (const char* name : {"a", "b"}) {
    const Image image{.width = 9, .height = 7, .rgb = std::vector<uint8_t>(9 * 7 * 3, name[0])};
    write_png(path(name) + ".png", image);
  }
  fs::create_directory(path("pictures"));
  fs::copy(path("a.png"), path("pictures/a.png"));
  std::string text, classes, words, pairs;
  for (int n = 0; n < 40; ++n) {
    text += "rose lily daisy\niron gold tin here\n";
    classes += "plant\trose lily\nmetal\tiron gold\n";
    words += "anna B-PER\nsaw O\n\n";
    pairs += "a b\tb a\nc d\td c\n";
  }
  write_file(path("text.txt"), text);
  write_file(path("classes.tsv"), classes);
  write_file(path("words.conll"), words);
  write_file(path("pairs.tsv"), pairs);
  write_file(path("one.txt"), "rose lily\niron gold\n");
  make_run(path("runs/one"), {.options = {{"layers", "1"}}, .losses = {3, 2}});
  make_run(path("runs/two"), {.options = {{"layers", "2"}}, .losses = {3, 1}});
}

std::vector<TinyTraining> EveryProgram::trainings() const {
  const Flags bert = {{"layers", "1"},   {"heads", "2"},       {"d-model", "16"},
                      {"context", "16"}, {"vocab-size", "60"}, {"batch-size", "4"}};
  Flags masked = bert, classes = bert, words = bert;
  masked["data"] = path("text.txt");
  classes["data"] = path("classes.tsv");
  classes["objective"] = "classify-text";
  words["data"] = path("words.conll");
  words["objective"] = "classify-tokens";
  return {{"masked", "train_bert", masked},
          {"classes", "train_bert", classes},
          {"words", "train_bert", words},
          {"letters",
           "train_gpt",
           {{"data", path("text.txt")},
            {"layers", "1"},
            {"heads", "2"},
            {"d-model", "8"},
            {"context", "8"},
            {"sample-tokens", "3"}}},
          {"pairs",
           "train_transformer",
           {{"data", path("pairs.tsv")},
            {"validation-data", path("pairs.tsv")},
            {"tokenizer", "character"},
            {"encoder-layers", "1"},
            {"decoder-layers", "1"},
            {"d-model", "16"},
            {"heads", "2"},
            {"context", "32"}}},
          {"digits",
           "train_vit",
           {{"data", path("idx")},
            {"image-size", "4"},
            {"patch-size", "2"},
            {"layers", "1"},
            {"heads", "2"},
            {"d-model", "16"},
            {"batch-size", "8"}}},
          {"clip",
           "train_clip",
           {{"task", "shapes"},
            {"shapes", "64"},
            {"validation-shapes", "32"},
            {"image-size", "16"},
            {"image-channels", "3"},
            {"image-patch-size", "8"},
            {"image-layers", "1"},
            {"image-d-model", "16"},
            {"image-heads", "2"},
            {"text-layers", "1"},
            {"text-d-model", "16"},
            {"text-heads", "2"},
            {"projection", "8"},
            {"batch-size", "16"}}}};
}

ProgramResult EveryProgram::train(const std::string& name, const TinyTraining& training,
                                  bool merged) const {
  Flags flags = training.flags;
  flags.insert({{"out", path(name)},
                {"max-steps", "2"},
                {"evaluate-every", "1"},
                {"warmup-steps", "0"},
                {"threads", "1"}});
  return run_program(training.program, flag_words(flags, {}),
                     {.merged = merged, .environment = {{"ZOO_PROGRESS_SECONDS", "0"}}});
}

std::vector<ProgramCall> EveryProgram::calls() const {
  const std::string gpt = path("gpt");
  return {
      {.program = "generate",
       .arguments = {"--model", gpt, "--max-new-tokens", "2", "ab"},
       .result = "ab",
       .remark = "tokens/s",
       .json_row = "generate"},
      {.program = "translate",
       .arguments = {"--model", path("pairs"), "--references", path("one.txt"), "--num-beams", "2",
                     "--force-words", "dcb", "a b", "c d"},
       .result = "dcb",
       .remark = " texts in ",
       .json_row = "translate"},
      {.program = "fill_mask",
       .arguments = {"--model", path("masked"), "--show-ids", "--top", "2"},
       .result = "rose",
       .remark = "text 1: [",
       .input = "rose [MASK]\n",
       .json_row = "fill_mask",
       .remark_last = false},
      {.program = "classify_text",
       .arguments = {"--model", path("classes"), "--show-ids", "rose"},
       .result = "\trose",
       .remark = "text 1: [",
       .json_row = "classify_text",
       .remark_last = false},
      {.program = "classify_text",
       .arguments = {"--model", path("words"), "--show-ids", "anna saw"},
       .result = "anna\t",
       .remark = "text 1: [",
       .json_row = "classify_text",
       .remark_last = false},
      {.program = "classify_image",
       .arguments = {"--model", path("vit"), "--page", path("where.png"), path("a.png")},
       .result = "a.png\n",
       .remark = "page: ",
       .json_row = "classify_image"},
      {.program = "search_sentences",
       .arguments = {"--model", path("masked"), "--file", path("one.txt"), "--show-ids", "lily"},
       .result = "rose lily",
       .remark = "query 1: [",
       .json_row = "search_sentences",
       .remark_last = false},
      {.program = "match_images",
       .arguments = {"--model", path("clip"), "--images", path("pictures"), "--page",
                     path("found.html"), "red"},
       .result = "red\n",
       .remark = "page: ",
       .json_row = "match_images"},
      {.program = "score",
       .arguments = {"--file", path("one.txt"), "--references", path("one.txt"), "--chrf-beta",
                     "3"},
       .result = "BLEU",
       .remark = "--chrf-beta has no effect",
       .json_row = "score",
       .remark_last = false},
      {.program = "attention_map",
       .arguments = {"--model", gpt, "--text", "abc", "--out", path("map")},
       .result = "attention.html",
       .json_row = "attention_map"},
      {.program = "look_inside",
       .arguments = {"lens", "--model", gpt, "--text", "abc", "--out", path("lens")},
       .result = "lens.html",
       .json_row = "look_inside"},
      {.program = "prune_heads",
       .arguments = {"--model", gpt, "--heads", "0:0", "--out", path("smaller")},
       .result = "removed: 0:0",
       .json_row = "prune_heads"},
      {.program = "inspect", .arguments = {gpt}, .result = "parameters", .json_row = "inspect"},
      {.program = "compare_attention",
       .arguments = {"--shapes", "1x1x4x4", "--kernels", "loops,matmul", "--mask", "full", "--pass",
                     "forward", "--seconds", "0.01", "--threads", "1"},
       .result = "loops",
       .remark = "comparing",
       .json_row = "compare_attention",
       .remark_last = false},
      {.program = "compare_runs",
       .arguments = {path("runs"), "--out", path("compared")},
       .result = "comparison.html",
       .json_row = "compare_runs"},
      {.program = "tokenize",
       .arguments = {"compare", "--tokenizer", path("letters"), "--file", path("text.txt"),
                     "--page", path("t.html")},
       .result = "character",
       .remark = "page: ",
       .json_row = "tokenize compare"},
      {.program = "tokenize",
       .arguments = {"encode", "--tokenizer", gpt},
       .result = "[1, 2]",
       .input = "ab\n"},
      {.program = "tokenize",
       .arguments = {"decode", "--tokenizer", gpt},
       .result = "ab\n",
       .input = "[1, 2]\n"},
      {.program = "train_tokenizer",
       .arguments = {"--kind", "bpe", "--vocab-size", "30", "--trace", "1", "--out", path("bpe"),
                     path("text.txt")},
       .result = "bpe: ",
       .remark = "training bpe on ",
       .remark_last = false},
      {.program = "train_gpt",
       .arguments = {"--evaluate-only", path("letters"), "--threads", "1"},
       .result = "\nval loss "},
  };
}

/// Programs that refuse a used folder get a new one each time.
ProgramResult EveryProgram::run(const ProgramCall& call, const std::vector<std::string>& more,
                                bool merged) const {
  auto arguments = call.arguments;
  arguments.insert(arguments.end(), more.begin(), more.end());
  for (const char* made : {"smaller", "bpe"}) fs::remove_all(path(made));
  return run_program(call.program, arguments,
                     {.input = call.input,
                      .merged = merged,
                      .environment = {{"ZOO_PROGRESS_SECONDS", "0"}, {"OMP_NUM_THREADS", "1"}}});
}

}  // namespace zoo::testing
