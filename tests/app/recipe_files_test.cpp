// Recipes by name.
#include "app/recipe_files.h"

#include <gmock/gmock.h>

#include "base/files.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

struct RecipeFilesTest : ::testing::Test {
  testing::TemporaryFolder folder;
  fs::path near = folder / "near", far = folder / "far";
  std::vector<fs::path> folders = {near, far};
  void SetUp() override {
    fs::create_directories(near);
    fs::create_directories(far);
    write_file(near / "gpt-a.toml",
               "# A.\n#   train_gpt --config train/recipes/gpt-a.toml\nx = 1\n");
    write_file(far / "gpt-a.toml", "x = 2\n");
    write_file(
        far / "bert-b.toml",
        "# B.\n#   scripts/x.sh\n#   train_bert --config train/recipes/bert-b.toml --out b\n");
  }
};

TEST_F(RecipeFilesTest, FindsANameInTheFirstFolderThatHasIt) {
  EXPECT_EQ(find_recipe("gpt-a", folders), near / "gpt-a.toml");
  EXPECT_EQ(find_recipe("bert-b", folders), far / "bert-b.toml");
  EXPECT_EQ(find_recipe("bert-b.toml", folders), far / "bert-b.toml");
}

TEST_F(RecipeFilesTest, APathStaysAsItIs) {
  const std::string path = far / "gpt-a.toml";
  EXPECT_EQ(find_recipe(path, folders), path);
}

TEST_F(RecipeFilesTest, AnUnknownNameListsNearOnes) {
  EXPECT_THAT([&] { find_recipe("gpt-b", folders); },
              ThrowsMessage<std::invalid_argument>(
                  AllOf(HasSubstr("no recipe file 'gpt-b'; did you mean gpt-a"))));
  EXPECT_THAT([&] { find_recipe("bert", folders); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("did you mean bert-b?")));
  EXPECT_THAT([&] { find_recipe("quite-different-words", folders); },
              ThrowsMessage<std::invalid_argument>(
                  AllOf(HasSubstr("no recipe of that name"), Not(HasSubstr("did you mean")))));
}

TEST_F(RecipeFilesTest, ListsThoseThatTellHowToRunAProgram) {
  EXPECT_THAT(recipes_of("train_gpt", folders), ElementsAre("gpt-a"));
  EXPECT_THAT(recipes_of("train_bert", folders), ElementsAre("bert-b"));
}

TEST(RecipeFoldersTest, TheRepositoryBesideTheProgramIsOne) {
  const auto folders = recipe_folders();
  ASSERT_EQ(folders.size(), 2U);
  EXPECT_TRUE(folders.back().is_absolute());
  EXPECT_TRUE(fs::exists(folders.back() / "gpt-shakespeare-cpu.toml"));
}

}  // namespace
}  // namespace zoo
