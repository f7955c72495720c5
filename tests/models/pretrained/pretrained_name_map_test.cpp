// The name map on a module of its own: fused, transposed, missing, tied and surplus tensors.
#include "models/pretrained/format/name_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;

struct TwoLayersImpl : torch::nn::Module {
  TwoLayersImpl() {
    torch::manual_seed(3);
    const auto plain = torch::nn::LinearOptions(2, 5).bias(false);
    register_module("blocks",
                    torch::nn::ModuleList(torch::nn::Linear(plain), torch::nn::Linear(plain)));
    register_module("out", torch::nn::Linear(5, 3));
  }
};

NameMap two_layers_map() {
  return {
      .family = "test",
      .prefix = "base.",
      .rows = {{.ours = "blocks.{}.weight", .theirs = {"base.{}.q", "base.{}.k"}, .rows = {4, 1}},
               {.ours = "out.weight", .theirs = {"base.out.w"}, .transposed = true},
               {.ours = "out.bias", .theirs = {"base.out.b"}}},
      .zeros = {{"base.0.bias", {5}}},
      .copies = {{"head", "base.out.w"}},
      .ignored = {"base.{}.cache"}};
}

class NameMapTest : public ::testing::Test {
 protected:
  void SetUp() override { tensors = export_named(module, map); }

  /// The message with which `tensors` are refused; empty when they load.
  std::string refusal() {
    write_safetensors(folder / "model.safetensors", tensors);
    try {
      load_named(module, SafetensorsReader(folder.path()), map);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }
  void rename(const std::string& from, const std::string& to) {
    auto node = tensors.extract(from);
    node.key() = to;
    tensors.insert(std::move(node));
  }

  testing::TemporaryFolder folder;
  TwoLayersImpl module;
  NameMap map = two_layers_map();
  std::map<std::string, torch::Tensor> tensors;
};

TEST_F(NameMapTest, SplitsTransposesAndFillsUpWhatItExports) {
  EXPECT_THAT(tensors,
              ElementsAre(Key("base.0.bias"), Key("base.0.k"), Key("base.0.q"), Key("base.1.k"),
                          Key("base.1.q"), Key("base.out.b"), Key("base.out.w")));
  const auto weights = module.named_parameters();
  EXPECT_TRUE(torch::equal(tensors["base.1.q"], weights["blocks.1.weight"].slice(0, 0, 4)));
  EXPECT_TRUE(torch::equal(tensors["base.1.k"], weights["blocks.1.weight"].slice(0, 4, 5)));
  EXPECT_TRUE(torch::equal(tensors["base.out.w"], weights["out.weight"].t()));
  EXPECT_TRUE(torch::equal(tensors["base.0.bias"], torch::zeros({5})));
}

TEST_F(NameMapTest, LoadUndoesExport) {
  write_safetensors(folder / "model.safetensors", tensors);
  TwoLayersImpl other;
  for (auto& parameter : other.parameters()) parameter.detach().fill_(9);

  load_named(other, SafetensorsReader(folder.path()), map);

  for (const auto& parameter : module.named_parameters()) {
    EXPECT_TRUE(torch::equal(other.named_parameters()[parameter.key()], parameter.value()))
        << parameter.key();
  }
}

TEST(NameMapTransformTest, PutsHeadsTogetherAndAddsWhatTheFileLeavesOut) {
  struct HeadsImpl : torch::nn::Module {
    HeadsImpl() { register_module("in", torch::nn::Linear(5, 12)); }  // 2 heads, 2 wide
  } module, other;
  const NameMap map = {
      .family = "test",
      .rows = {{.ours = "in.weight", .theirs = {"qkv.w"}, .interleaved = 2},
               {.ours = "in.bias", .theirs = {"qkv.b"}, .interleaved = 2, .plus = 1}}};

  auto tensors = export_named(module, map);

  const auto weights = module.named_parameters();
  const auto& ours = weights["in.weight"];  // queries, keys, values: of head 0, then of head 1
  const auto theirs = tensors["qkv.w"];
  ASSERT_EQ(theirs.sizes(), ours.sizes());
  const int64_t order[] = {0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11};
  for (int64_t row = 0; row < 12; ++row) {
    EXPECT_TRUE(torch::equal(theirs[row], ours[order[row]])) << row;
    EXPECT_TRUE(torch::equal(tensors["qkv.b"][row], weights["in.bias"][order[row]] - 1)) << row;
  }
  const testing::TemporaryFolder folder;
  write_safetensors(folder / "model.safetensors", tensors);
  load_named(other, SafetensorsReader(folder.path()), map);
  EXPECT_TRUE(torch::equal(other.named_parameters()["in.weight"], ours));
  EXPECT_TRUE(torch::allclose(other.named_parameters()["in.bias"], weights["in.bias"], 0, 1e-6));
}

TEST_F(NameMapTest, PrefixMayBeMissing) {
  for (const auto& name : {"0.bias", "0.k", "0.q", "1.k", "1.q", "out.b", "out.w"})
    rename(std::string("base.") + name, name);
  EXPECT_EQ(refusal(), "");
  tensors["base.out.b"] = tensors["out.b"];
  EXPECT_THAT(refusal(), HasSubstr("\"out.b\" and \"base.out.b\" are one and the same weight"));
}

TEST_F(NameMapTest, ConvertsFloatingDtypesButNotOthers) {
  tensors["base.out.b"] = torch::full({3}, 0.5).to(torch::kBFloat16);
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(module.named_parameters()["out.bias"][0].item<float>(), 0.5f);
  tensors["base.out.b"] = torch::ones({3}, torch::kInt64);
  EXPECT_THAT(refusal(), HasSubstr("\"base.out.b\" has dtype I64, but out.bias needs F32"));
}

TEST_F(NameMapTest, NamesWhatIsMissingSurplusOrMisshapen) {
  rename("base.1.k", "base.2.k");
  EXPECT_THAT(refusal(), HasSubstr("tensor \"base.2.k\" [1, 2] has no place in this test model"));
  tensors.erase("base.2.k");
  EXPECT_THAT(refusal(),
              HasSubstr("has no tensor \"base.1.k\" [1, 2], which blocks.1.weight needs"));
  tensors["base.1.k"] = torch::zeros({2, 1});
  EXPECT_THAT(refusal(),
              HasSubstr("\"base.1.k\" has shape [2, 1], but blocks.1.weight needs [1, 2]"));
}

TEST_F(NameMapTest, RefusalChangesNothing) {
  const auto before = module.named_parameters()["blocks.0.weight"].clone();
  tensors["base.0.q"] = torch::full({4, 2}, 7.0);
  tensors.erase("base.out.b");
  EXPECT_NE(refusal(), "");
  EXPECT_TRUE(torch::equal(module.named_parameters()["blocks.0.weight"], before));
}

TEST_F(NameMapTest, OptionalTensorsKeepTheModulesValues) {
  map.rows.back().optional = true;
  tensors.erase("base.out.b");
  const auto before = module.named_parameters()["out.bias"].clone();
  EXPECT_EQ(refusal(), "");
  EXPECT_TRUE(torch::equal(module.named_parameters()["out.bias"], before));
}

TEST_F(NameMapTest, ZerosMayBeMissingButNothingElse) {
  tensors["base.0.bias"][3] = 0.25;
  EXPECT_THAT(refusal(), HasSubstr("\"base.0.bias\" is not zero, but this model has no such bias"));
  tensors.erase("base.0.bias");
  EXPECT_EQ(refusal(), "");
}

TEST_F(NameMapTest, TiedWeightsMustBeEqual) {
  tensors["head"] = tensors["base.out.w"].clone();
  EXPECT_EQ(refusal(), "");
  tensors["head"][0][0] += 1;
  EXPECT_THAT(refusal(), HasSubstr("tensors \"head\" and \"base.out.w\" differ"));
}

TEST_F(NameMapTest, ATiedWeightMayStandUnderEitherName) {
  rename("base.out.w", "head");
  EXPECT_EQ(refusal(), "");
  EXPECT_TRUE(torch::equal(module.named_parameters()["out.weight"], tensors["head"].t()));
}

TEST_F(NameMapTest, ACopyWithValuesOfItsOwnIsFound) {
  const auto differs = [&] {
    write_safetensors(folder / "model.safetensors", tensors);
    return differs_from_original(SafetensorsReader(folder.path()), map, "head");
  };
  EXPECT_FALSE(differs()) << "one of the two is not there";
  tensors["head"] = tensors["base.out.w"].clone();
  EXPECT_FALSE(differs());
  tensors["head"][0][0] += 1;
  EXPECT_TRUE(differs());
  rename("base.out.w", "out.w");
  EXPECT_TRUE(differs()) << "the prefix may be missing";
}

TEST_F(NameMapTest, ReadsSynonymsAndPassesOverOtherHeads) {
  map.synonyms = {{"base.layers.{}.query", "base.{}.q"}};
  map.other_heads = {"qa_outputs."};
  rename("base.1.q", "layers.1.query");
  tensors["qa_outputs.weight"] = torch::ones({2});
  EXPECT_EQ(refusal(), "");
  tensors["qa.weight"] = torch::ones({2});
  EXPECT_THAT(refusal(), HasSubstr("\"qa.weight\" [2] has no place"));
}

TEST_F(NameMapTest, AStackMayStandInThePlaceOfItsParts) {
  map.stacks = {{.ours = "blocks.{}.weight", .theirs = "base.all"}};
  const auto whole = torch::randn({2, 5, 2});
  for (const char* part : {"base.0.q", "base.0.k", "base.1.q", "base.1.k"}) tensors.erase(part);
  tensors["all"] = whole;
  EXPECT_EQ(refusal(), "");
  EXPECT_TRUE(module.named_parameters()["blocks.0.weight"].equal(whole[0]));
  EXPECT_TRUE(module.named_parameters()["blocks.1.weight"].equal(whole[1]));
  EXPECT_TRUE(holds_parameter(map, "all"));
  tensors["base.1.k"] = torch::zeros({1, 2});
  EXPECT_THAT(refusal(), HasSubstr("\"base.1.k\" [1, 2] has no place"));
  tensors.erase("base.1.k");
  for (const auto& shape : std::vector<std::vector<int64_t>>{{3, 5, 2}, {2, 2, 5}, {2, 5}, {}}) {
    tensors["all"] = torch::ones(shape);
    EXPECT_THAT(refusal(), HasSubstr("needs [2, 5, 2]"));
  }
  EXPECT_TRUE(module.named_parameters()["blocks.1.weight"].equal(whole[1]));
}

TEST_F(NameMapTest, AStandInCountsWhereItsPlaceIsEmpty) {
  map.stand_ins = {{"bias", "base.out.b"}};
  tensors["bias"] = torch::full({3}, 7.0);
  EXPECT_EQ(refusal(), "");
  EXPECT_NE(module.named_parameters()["out.bias"][0].item<float>(), 7.0f);
  tensors.erase("base.out.b");
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(module.named_parameters()["out.bias"][0].item<float>(), 7.0f);
}

TEST_F(NameMapTest, IgnoresWhatItIsToldTo) {
  tensors["base.7.cache"] = torch::ones({1});
  tensors["12.cache"] = torch::ones({1});
  EXPECT_EQ(refusal(), "");
  tensors["base.x.cache"] = torch::ones({1});
  EXPECT_THAT(refusal(), HasSubstr("\"base.x.cache\" [1] has no place"));
}

TEST_F(NameMapTest, AParameterWithoutARowIsAProgrammersError) {
  map.rows.pop_back();
  EXPECT_THROW(export_named(module, map), std::invalid_argument);
  map = two_layers_map();
  map.rows.front().rows = {4, 2};
  EXPECT_THROW(export_named(module, map), std::invalid_argument);
}

}  // namespace
}  // namespace zoo
