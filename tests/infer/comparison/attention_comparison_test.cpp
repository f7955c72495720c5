// The comparison of attention kernels: shapes as text, what is counted, what a result says.
#include "infer/comparison/attention_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "infer/comparison/memory_meter.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

TEST(AttentionComparisonTest, ShapesAreReadAndWritten) {
  const auto shapes = parse_shapes("12x4x64x32,2x8x100x16x300x2");
  ASSERT_EQ(shapes.size(), 2u);
  EXPECT_EQ(shapes[0], (AttentionShape{.B = 12, .H = 4, .T = 64, .Dh = 32, .S = 64, .Hkv = 4}));
  EXPECT_EQ(shapes[1], (AttentionShape{.B = 2, .H = 8, .T = 100, .Dh = 16, .S = 300, .Hkv = 2}));
  EXPECT_EQ(shapes[0].text(), "12x4x64x32");
  EXPECT_EQ(shapes[1].text(), "2x8x100x16x300x2");
  for (const char* wrong : {"", "1x2x3", "1x2x3x4x5x6x7", "1x2x3xa", "0x1x1x1", "1x-1x1x1",
                            "1x2x3x4,", "1x3x4x4x4x2", "99999999999999999999x1x1x1"}) {
    EXPECT_THROW(parse_shapes(wrong), std::invalid_argument) << wrong;
  }
}

TEST(AttentionComparisonTest, OperationsAreTwoProductsAndHalfWhereCausal) {
  const AttentionShape shape{.B = 2, .H = 3, .T = 5, .Dh = 7, .S = 11, .Hkv = 3};
  EXPECT_EQ(shape.operations(false), 4.0 * 2 * 3 * 5 * 11 * 7);
  EXPECT_EQ(shape.operations(true), 2.0 * 2 * 3 * 5 * 11 * 7);
}

TEST(AttentionComparisonTest, TheExponentIsTheSlopeOfTheLastPoints) {
  EXPECT_FALSE(fitted_exponent({}));
  EXPECT_FALSE(fitted_exponent({{10, 1}}));
  EXPECT_NEAR(*fitted_exponent({{10, 100}, {100, 10000}}), 2.0, 1e-9);
  EXPECT_NEAR(*fitted_exponent({{1, 77}, {16, 2}, {32, 16}, {64, 128}, {128, 1024}}), 3.0, 1e-9);
}

TEST(AttentionComparisonTest, MeasuresEveryKernelOnEveryCase) {
  const ComparisonOptions options{.kernels = {"loops", "flash", "torch"},
                                  .shapes = parse_shapes("1x2x33x8x40x1"),
                                  .seconds = 0.01};
  const Machine machine{.matmul_gflops = 100};
  int64_t watched = 0;
  const auto results = compare_attention(
      options, machine, [&](int64_t, int64_t count, const std::string&) { watched = count; });
  EXPECT_EQ(watched, 4);
  ASSERT_EQ(results.size(), 12u);
  for (const ComparisonResult& r : results) {
    SCOPED_TRACE(r.kernel + " " + std::string(name_of(r.pass)));
    if (r.kernel == "loops" && r.pass == Pass::kForwardBackward) {
      EXPECT_THAT(r.refused, HasSubstr("no backward pass"));
      continue;
    }
    EXPECT_EQ(r.refused, "");
    EXPECT_GT(r.seconds, 0.0);
    EXPECT_NEAR(
        r.gflops,
        r.shape.operations(r.causal) * (r.pass == Pass::kForward ? 1 : 3.5) / r.seconds / 1e9,
        1e-9);
    EXPECT_NEAR(r.peak_share, r.gflops / 100, 1e-9);
    EXPECT_GT(r.max_error, 0.0);
    EXPECT_LE(r.max_error, 2 * r.torch_error + 1e-6);
    EXPECT_GE(r.peak_bytes, 2 * 33 * 8 * 4);  // the output at least
    EXPECT_EQ(r.torch_kernel.empty(), r.kernel != "torch");
  }
  const auto json = nlohmann::json::parse(comparison_json(options, machine, results));
  ASSERT_EQ(json["results"].size(), 12u);
  EXPECT_EQ(json["results"][0]["shape"], nlohmann::json::array({1, 2, 33, 8}));
  EXPECT_EQ(json["results"][0]["dtype"], "float32");
  EXPECT_TRUE(json["results"][3].contains("refused"));
  EXPECT_THAT(comparison_table(results), HasSubstr("1x2x33x8x40x1 causal forward+backward"));
  EXPECT_THAT(comparison_page(machine, results, {}), HasSubstr("</html>"));
}

TEST(MemoryMeterTest, CountsTensorsAndContainersWhileItLives) {
  const auto before = torch::zeros({1000});
  const MemoryMeter meter;
  EXPECT_EQ(meter.peak(), 0);
  { const auto some = torch::zeros({100000}); }
  const auto fewer = torch::zeros({50000});
  EXPECT_GE(meter.peak(), 400000);
  EXPECT_LT(meter.peak(), 500000);
}

}  // namespace
}  // namespace zoo
