// A model that comes from a checkpoint keeps the checkpoint's shape.
#include "train/program/checkpoint_shape.h"

#include <gmock/gmock.h>

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

struct ShapeOptions {
  int64_t width = 8, heads = 2, head_width = 0;
  double dropout = 0.0;
};
template <class Visitor>
void visit(ShapeOptions& o, Visitor&& v) {
  v("width", o.width, std::string());
  v("heads", o.heads, std::string());
  v("head-width", o.head_width, std::string());
  v("dropout", o.dropout, std::string());
}
ShapeOptions resolved(ShapeOptions o) {
  if (o.width % o.heads != 0) throw std::invalid_argument("width and heads do not fit");
  if (o.head_width == 0) o.head_width = o.width / o.heads;
  return o;
}

const ShapeOptions kInFolder{.width = 12, .heads = 3, .head_width = 4, .dropout = 0.1};

ShapeOptions taken(ShapeOptions asked, std::vector<std::string> given) {
  take_shape(asked, kInFolder, "folder",
             TrainCommand{.preset = "large", .given = std::move(given)});
  return asked;
}

TEST(CheckpointShapeTest, WhatTheUserDidNotNameIsAsInTheFolder) {
  const auto model = taken({.width = 7, .heads = 9, .dropout = 0.5}, {});
  EXPECT_EQ(model.width, 12);
  EXPECT_EQ(model.heads, 3);
  EXPECT_EQ(model.dropout, 0.1);
}

TEST(CheckpointShapeTest, DropoutMayChange) {
  EXPECT_EQ(taken({.dropout = 0.5}, {"dropout"}).dropout, 0.5);
}

TEST(CheckpointShapeTest, OnlyWhatNoWeightDependsOnMayChange) {
  for (const char* name :
       {"attention", "image-attention", "text-init-std", "drop-path", "head-diversity",
        "text-head-dropout", "dropout", "image-attention-dropout"}) {
    EXPECT_TRUE(is_free_option(name)) << name;
  }
  for (const char* name : {"scale-attention", "text-scale-attention", "layers", "norm"})
    EXPECT_FALSE(is_free_option(name)) << name;
}

TEST(CheckpointShapeTest, TheSameShapeMayBeNamedByTheZeroThatStandsForIt) {
  EXPECT_EQ(taken({.width = 12, .head_width = 0}, {"width", "head-width"}).head_width, 4);
  EXPECT_EQ(taken({.head_width = 4}, {"head-width"}).head_width, 4);
}

TEST(CheckpointShapeTest, AnotherShapeIsRefusedByTheFirstNameThatDiffers) {
  // Not by what the mixture of both shapes could not be.
  EXPECT_THAT([] { taken({.width = 13}, {"width"}); },
              ThrowsMessage<UsageError>(HasSubstr("--width cannot be changed: the model in "
                                                  "'folder' has 12, not 13")));
  EXPECT_THAT(
      [] { taken({.width = 16, .heads = 3}, {"preset"}); },
      ThrowsMessage<UsageError>(HasSubstr("--width cannot be changed (by --preset large)")));
}

}  // namespace
}  // namespace zoo
