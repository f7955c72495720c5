#include "infer/translation/alignment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "infer/translation/translator.h"
#include "tokenizers/character.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

class AlignmentTest : public ::testing::Test {
 protected:
  AlignmentTest() { torch::manual_seed(3); }
  Alignment align(const TranslationModel& model, const std::string& source) {
    const Translator translator(model, tokenizer, tokenizer,
                                training_format(tokenizer, pair_ids(tokenizer)));
    const auto made = translator.translate(
        {source}, {.decode = {.max_new_tokens = 5, .sampling = {.temperature = 0.0}}});
    return translator.align(source, made.at(0));
  }
  std::unique_ptr<TranslationModel> transformer(const std::string& kernel) {
    torch::manual_seed(3);
    auto options = TransformerOptions::tiny();
    options.vocab_size = tokenizer.vocab_size();
    options.attention = kernel;
    Transformer model(options);
    model->eval();
    return translation_model(model);
  }
  const CharacterTokenizer tokenizer{U"abc", {.sequence = true}};
};

TEST_F(AlignmentTest, EveryTokenOfTheTranslationSpreadsOneOverTheSource) {
  Recurrent recurrent(RecurrentOptions{.vocab_size = tokenizer.vocab_size(), .d_model = 12});
  recurrent->eval();
  const auto lstm = translation_model(recurrent);
  const auto with_flash = transformer("flash");
  for (const auto* model : {lstm.get(), with_flash.get()}) {
    const auto made = align(*model, "abca");
    ASSERT_EQ(made.weights.dim(), 2);
    EXPECT_EQ(made.weights.size(0), std::ssize(made.target));
    EXPECT_EQ(made.weights.size(1), 5);
    EXPECT_TRUE(made.weights.sum(-1).allclose(torch::ones({made.weights.size(0)})));
    EXPECT_THAT(made.source, ::testing::ElementsAre("a", "b", "c", "a", "</s>"));
  }
}

TEST_F(AlignmentTest, TheKernelThatAModelRunsWithChangesNothing) {
  const auto ours = align(*transformer("flash"), "cab").weights;
  const auto wanted = align(*transformer("matmul"), "cab").weights;
  EXPECT_TRUE(ours.allclose(wanted, 1e-4, 1e-5));
}

TEST_F(AlignmentTest, AnEmptySourceIsItsEndAlone) {
  const auto made = align(*transformer("flash"), "");
  EXPECT_THAT(made.source, ::testing::ElementsAre("</s>"));
  EXPECT_TRUE(made.weights.eq(1).all().item<bool>());
}

TEST_F(AlignmentTest, ThePictureNamesBothLanguagesAndHasARowForEachTargetToken) {
  const Alignment alignment{{"the", "cat"}, {"le", "chat", "."}, torch::full({3, 2}, 0.5)};
  const auto svg = alignment_html(alignment, "English", "French");
  EXPECT_THAT(svg, HasSubstr("English &#8594;"));  // along the columns
  EXPECT_THAT(svg, HasSubstr("French &#8595;"));
  EXPECT_THAT(svg, HasSubstr(R"(width="24" height="36")"));
  EXPECT_THAT(alignment_page({alignment, alignment}, "English", "French"), HasSubstr(svg));
}

}  // namespace
}  // namespace zoo
