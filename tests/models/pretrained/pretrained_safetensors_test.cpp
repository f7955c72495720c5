// Safetensors: what is written comes back, and what is wrong is refused in one line.
#include "models/pretrained/format/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <string>

#include "tests/models/pretrained/safetensors_bytes.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using testing::file_bytes;
using ::testing::HasSubstr;
using testing::length_bytes;
using testing::read_bytes;
using testing::write_bytes;

class SafetensorsTest : public ::testing::Test {
 protected:
  /// The message with which reading `bytes` is refused; empty when it is not.
  std::string refusal(std::string_view bytes) {
    write_bytes(file, bytes);
    return refusal_of(file);
  }
  static std::string refusal_of(const std::filesystem::path& path) {
    try {
      const SafetensorsReader reader(path);
      for (const auto& name : reader.names()) reader.tensor(name);
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("\n")));
      return error.what();
    }
    return "";
  }
  testing::TemporaryFolder folder;
  std::filesystem::path file = folder / "model.safetensors";
};

TEST_F(SafetensorsTest, GivesBackEveryDtype) {
  const auto base = torch::arange(6).reshape({2, 3});
  std::map<std::string, torch::Tensor> tensors;
  for (const auto dtype : {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16,
                           torch::kInt64, torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8,
                           torch::kUInt16, torch::kUInt32, torch::kUInt64, torch::kBool,
                           torch::kComplexFloat, torch::kFloat8_e4m3fn, torch::kFloat8_e5m2}) {
    tensors[c10::toString(dtype)] = base.to(dtype);
  }
  write_safetensors(file, tensors);

  const SafetensorsReader reader(file);

  EXPECT_EQ(reader.names().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const auto read = reader.tensor(name);
    EXPECT_EQ(read.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(read.sizes(), tensor.sizes()) << name;
    const auto wide = tensor.is_complex() ? torch::kComplexDouble : torch::kFloat64;
    EXPECT_TRUE(torch::equal(read.to(wide), tensor.to(wide))) << name;
  }
  EXPECT_THAT(reader.metadata(), ElementsAre(std::pair<std::string, std::string>("format", "pt")));
}

TEST_F(SafetensorsTest, KeepsScalarsEmptyAndStridedTensors) {
  const auto matrix = torch::randn({4, 6});
  write_safetensors(file, {{"scalar", torch::tensor(2.5)},
                           {"empty", torch::empty({3, 0, 2})},
                           {"transposed", matrix.t()},
                           {"part", matrix.slice(1, 1, 6, 2)}});

  const SafetensorsReader reader(file);

  EXPECT_EQ(reader.tensor("scalar").dim(), 0);
  EXPECT_EQ(reader.tensor("scalar").item<float>(), 2.5f);
  EXPECT_EQ(reader.tensor("empty").sizes(), (std::vector<int64_t>{3, 0, 2}));
  EXPECT_TRUE(torch::equal(reader.tensor("transposed"), matrix.t()));
  EXPECT_TRUE(torch::equal(reader.tensor("part"), matrix.slice(1, 1, 6, 2)));
}

TEST_F(SafetensorsTest, LaysTensorsOutAsTheReferenceDoes) {
  write_safetensors(file, {{"b", torch::zeros({2})},
                           {"a", torch::zeros({1})},
                           {"ids", torch::zeros({1}, torch::kInt64)}});

  // Widest dtype first, then by name; the header ends on a multiple of 8 bytes.
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"ids":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
      R"("a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
      R"("b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(read_bytes(file), file_bytes(padded, 20));
}

TEST_F(SafetensorsTest, TensorsOutliveTheirReaderAndDoNotReachTheFile) {
  write_safetensors(file, {{"x", torch::ones({3})}});
  torch::Tensor x = SafetensorsReader(file).tensor("x");

  x.mul_(5);

  EXPECT_EQ(x.sum().item<float>(), 15.0f);
  EXPECT_EQ(SafetensorsReader(file).tensor("x").sum().item<float>(), 3.0f);
}

TEST_F(SafetensorsTest, ReadsTensorsThatTheFileDidNotAlign) {
  const std::string header = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} )";
  ASSERT_NE((8 + header.size()) % 4, 0u);
  const float values[] = {1.5f, -2.0f};
  write_bytes(file, length_bytes(header.size()) + header +
                        std::string(reinterpret_cast<const char*>(values), 8));

  EXPECT_TRUE(torch::equal(SafetensorsReader(file).tensor("x"), torch::tensor({1.5f, -2.0f})));
}

TEST_F(SafetensorsTest, ReadsShardsThroughTheirIndex) {
  write_safetensors(folder / "model-00001-of-00002.safetensors", {{"a", torch::ones({2})}});
  write_safetensors(folder / "model-00002-of-00002.safetensors", {{"b", torch::zeros({3})}});
  write_bytes(
      folder / "model.safetensors.index.json",
      R"({"metadata":{"total_size":20},"weight_map":{"a":"model-00001-of-00002.safetensors",)"
      R"("b":"model-00002-of-00002.safetensors"}})");

  const SafetensorsReader reader(folder.path());

  EXPECT_THAT(reader.names(), ElementsAre("a", "b"));
  EXPECT_EQ(reader.bytes(), 20u);
  EXPECT_EQ(reader.tensor("b").numel(), 3);
}

TEST_F(SafetensorsTest, RefusesAnIndexThatDoesNotFitItsShards) {
  write_safetensors(folder / "1.safetensors", {{"a", torch::ones({2})}});
  write_safetensors(folder / "2.safetensors", {{"a", torch::ones({2})}});
  const auto refused = [&](std::string_view index) {
    write_bytes(folder / "model.safetensors.index.json", index);
    return refusal_of(folder.path());
  };
  EXPECT_THAT(refused(R"({"weight_map":{"a":"1.safetensors","b":"1.safetensors"}})"),
              HasSubstr("index.json: tensor \"b\" is not in \"1.safetensors\""));
  EXPECT_THAT(refused(R"({"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})"),
              HasSubstr("2.safetensors: tensor \"a\" stands in 1.safetensors too"));
  EXPECT_THAT(refused(R"({"weight_map":{"a":"3.safetensors"}})"),
              HasSubstr("3.safetensors: No such file"));
  EXPECT_THAT(refused(R"({"weight_map":{"a":"../1.safetensors"}})"),
              HasSubstr("must name a file of the same folder"));
  EXPECT_THAT(refused(R"({"weight_map":{"a":7}})"), HasSubstr("not number"));
  EXPECT_THAT(refused(R"({"weight_map":{}})"), HasSubstr("is empty"));
  EXPECT_THAT(refused(R"([1, 2])"), HasSubstr("has no \"weight_map\" object"));
  EXPECT_THAT(refused("{"), HasSubstr("index.json: not JSON"));
}

TEST_F(SafetensorsTest, SaysHowToConvertPickledWeights) {
  write_bytes(folder / "pytorch_model.bin", "PK");
  EXPECT_THAT(refusal_of(folder.path()), HasSubstr("convert it with: python3 -c 'import torch"));
}

TEST_F(SafetensorsTest, SaysWhatAFolderOrPathLacks) {
  EXPECT_THAT(refusal_of(folder.path()), HasSubstr("holds no model.safetensors"));
  EXPECT_THAT(refusal_of(folder / "absent"), HasSubstr("absent: No such file or directory"));
}

TEST_F(SafetensorsTest, RefusesLengthsThatLie) {
  EXPECT_THAT(refusal(""), HasSubstr("model.safetensors: 0 bytes are too few"));
  EXPECT_THAT(refusal("1234567"), HasSubstr("7 bytes are too few"));
  EXPECT_THAT(
      refusal(length_bytes(UINT64_MAX) + "{}"),
      HasSubstr("a header of 18446744073709551615 bytes, more than the format's 100000000"));
  EXPECT_THAT(refusal(length_bytes(100'000'001) + "{}"), HasSubstr("more than the format's"));
  EXPECT_THAT(refusal(length_bytes(3) + "{}"),
              HasSubstr("a header of 3 bytes does not fit in a file of 10: truncated"));
}

TEST_F(SafetensorsTest, RefusesHeadersThatAreNoTableOfTensors) {
  EXPECT_THAT(refusal(file_bytes("", 0)), HasSubstr("does not begin with '{'"));
  EXPECT_THAT(refusal(file_bytes("[]", 0)), HasSubstr("does not begin with '{'"));
  EXPECT_THAT(refusal(file_bytes(" {}", 0)), HasSubstr("does not begin with '{'"));
  EXPECT_THAT(refusal(file_bytes("{} {}", 0)), HasSubstr("not JSON"));
  EXPECT_THAT(refusal(file_bytes("{\"a\":\"\xff\"}", 0)), HasSubstr("not JSON"));
  EXPECT_THAT(refusal(file_bytes(R"({"a":1})", 0)),
              HasSubstr("\"a\" in the header is not an object"));
  EXPECT_THAT(refusal(file_bytes(R"({"a":null})", 0)), HasSubstr("not an object but null"));
  EXPECT_THAT(refusal(file_bytes(R"({"a":{"dtype":{}}})", 0)), HasSubstr("cannot hold an object"));
  EXPECT_THAT(refusal(file_bytes(R"({"a":{"shape":[[1]]}})", 0)), HasSubstr("cannot hold a list"));
  const std::string deep = "{\"a\":" + std::string(1'000'000, '[');
  EXPECT_THAT(refusal(file_bytes(deep, 0)), HasSubstr("not an object but a list"));
}

TEST_F(SafetensorsTest, RefusesEntriesThatAreNotTensors) {
  const auto entry = [&](const std::string& fields) {
    return refusal(file_bytes("{\"x\":{" + fields + "}}", 8));
  };
  const std::string offsets = R"("data_offsets":[0,8])";
  EXPECT_THAT(entry(R"("shape":[2],)" + offsets), HasSubstr("tensor \"x\" has no dtype"));
  EXPECT_THAT(entry(R"("dtype":"F32",)" + offsets), HasSubstr("tensor \"x\" has no shape"));
  EXPECT_THAT(entry(R"("dtype":"F32","shape":[2])"), HasSubstr("has no data_offsets"));
  EXPECT_THAT(entry(R"("dtype":"F99","shape":[2],)" + offsets),
              HasSubstr("has dtype \"F99\"; known are BOOL, U8"));
  EXPECT_THAT(entry(R"("dtype":7,"shape":[2],)" + offsets), HasSubstr("\"dtype\" of tensor \"x\""));
  EXPECT_THAT(entry(R"("dtype":"F32","shape":[-2],)" + offsets), HasSubstr("a negative number"));
  EXPECT_THAT(entry(R"("dtype":"F32","shape":[2.0],)" + offsets), HasSubstr("with a fraction"));
  EXPECT_THAT(entry(R"("dtype":"F32","shape":[18446744073709551615],)" + offsets),
              HasSubstr("beyond 63 bits"));
  EXPECT_THAT(entry(R"("dtype":"F32","shape":[99999999999999999999],)" + offsets),
              HasSubstr("with a fraction"));
  EXPECT_THAT(entry(R"("dtype":"F32","shape":[2],"stride":[1],)" + offsets),
              HasSubstr("unknown field \"stride\""));
  EXPECT_THAT(entry(R"("dtype":"F32","shape":[2],"shape":[2],)" + offsets),
              HasSubstr("\"shape\" of tensor \"x\" stands there twice"));
  EXPECT_THAT(entry(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"),
              HasSubstr("are not two"));
}

TEST_F(SafetensorsTest, RefusesShapesThatDoNotFitTheirBytes) {
  const auto shape = [&](const std::string& dimensions) {
    return refusal(file_bytes(
        R"({"x":{"dtype":"F32","shape":)" + dimensions + R"(,"data_offsets":[0,8]}})", 8));
  };
  EXPECT_EQ(shape("[2]"), "");
  EXPECT_THAT(shape("[3]"), HasSubstr("shape [3] of F32 needs 12 bytes, data_offsets give 8"));
  EXPECT_THAT(shape("[]"), HasSubstr("shape [] of F32 needs 4 bytes"));
  EXPECT_THAT(shape("[4294967296, 4294967296]"), HasSubstr("product of its shape overflows"));
  EXPECT_THAT(shape("[4611686018427387904, 4]"), HasSubstr("product of its shape overflows"));
  EXPECT_THAT(shape("[0, 4294967296, 4294967296]"), HasSubstr("product of its shape overflows"));
  std::string many = "[1";
  for (int i = 0; i < 64; ++i) many += ",1";
  EXPECT_THAT(shape(many + "]"), HasSubstr("more than 64 dimensions"));
}

TEST_F(SafetensorsTest, RefusesBytesThatOverlapOrLeaveGaps) {
  const auto places = [&](const std::string& a, const std::string& b, size_t data_bytes) {
    return refusal(file_bytes(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + a +
                                  R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}",
                              data_bytes));
  };
  EXPECT_EQ(places("[4,8]", "[0,4]", 8), "");
  EXPECT_THAT(
      places("[0,4]", "[2,6]", 6),
      HasSubstr("tensor \"b\": its bytes begin at 2, inside another tensor that ends at 4"));
  EXPECT_THAT(places("[0,4]", "[0,4]", 4), HasSubstr("inside another tensor"));
  EXPECT_THAT(places("[0,4]", "[6,10]", 10), HasSubstr("after a gap that begins at 4"));
  EXPECT_THAT(places("[1,5]", "[5,9]", 9), HasSubstr("after a gap that begins at 0"));
  EXPECT_THAT(places("[4,0]", "[4,8]", 8), HasSubstr("run backwards"));
  EXPECT_THAT(places("[0,4]", "[4,8]", 7), HasSubstr("lie past the file's 7 bytes of data"));
  EXPECT_THAT(places("[0,4]", "[4,8]", 9), HasSubstr("1 bytes stand behind the last tensor"));
}

TEST_F(SafetensorsTest, RefusesANameThatStandsTwice) {
  const std::string x = R"("x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  EXPECT_THAT(refusal(file_bytes("{" + x + "," + x + "}", 0)),
              HasSubstr("\"x\" stands in the header twice"));
}

TEST_F(SafetensorsTest, RefusesTruthValuesThatAreNeither) {
  const std::string header = R"({"m":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})";
  EXPECT_THAT(refusal(length_bytes(header.size()) + header + std::string("\x01\x07", 2)),
              HasSubstr("tensor \"m\": a BOOL is neither 0 nor 1 but 7"));
}

TEST_F(SafetensorsTest, QuotesHostileNamesOnOneShortLine) {
  const std::string message =
      refusal(file_bytes("{\"a\\nb\\u001b[31m" + std::string(5000, 'z') + "\":1}", 0));
  EXPECT_THAT(message, HasSubstr("\"a\\nb\\u001b[31m"));
  EXPECT_LT(message.size(), 400u);
}

TEST_F(SafetensorsTest, SaysWhyItCannotWrite) {
  try {
    write_safetensors(folder / "no" / "x.safetensors", {{"x", torch::ones({1})}});
    FAIL() << "wrote into a folder that does not exist";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("x.safetensors: No such file or directory"));
  }
  EXPECT_THROW(write_safetensors(file, {{"x", torch::Tensor()}}), std::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(SafetensorsTest, AFullDiskLeavesTheOldFileAndNoOther) {
  write_safetensors(file, {{"x", torch::ones({1})}});
  // A limit on file sizes stands in for the full disk: both make a write come short.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old = {};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{.rlim_cur = 4096, .rlim_max = old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  try {
    write_safetensors(file, {{"x", torch::ones({100'000})}});
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &old);

  EXPECT_THAT(message, HasSubstr("model.safetensors: File too large"));
  EXPECT_EQ(SafetensorsReader(file).tensor("x").numel(), 1);
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path()))
    ++files;
  EXPECT_EQ(files, 1u);
}

}  // namespace
}  // namespace zoo
