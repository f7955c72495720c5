// Thousands of damaged safetensors files: each gives well-formed tensors or one line, never a
// crash. Worth most under the asan preset.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "models/pretrained/format/safetensors.h"
#include "tests/models/pretrained/safetensors_bytes.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

class SafetensorsFuzzTest : public ::testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(1);
    write_safetensors(file, {{"blocks.0.weight", torch::randn({4, 3})},
                             {"blocks.0.bias", torch::randn({4}).to(torch::kBFloat16)},
                             {"ids", torch::arange(3)},
                             {"mask", torch::ones({2, 2}, torch::kBool)},
                             {"scalar", torch::tensor(1.0)},
                             {"empty", torch::empty({0, 5})}});
    valid = testing::read_bytes(file);
    header_end = 8 + static_cast<size_t>(static_cast<unsigned char>(valid[0])) +
                 256 * static_cast<size_t>(static_cast<unsigned char>(valid[1]));
  }

  /// Whether the bytes were read; fails the test where they were neither read nor refused well.
  bool reads(const std::string& bytes) {
    std::filesystem::remove(file);  // truncating instead would wait for the disk each time
    testing::write_bytes(file, bytes);
    try {
      const SafetensorsReader reader(file);
      uint64_t sum = 0;
      for (const auto& name : reader.names()) {
        const auto tensor = reader.tensor(name);
        EXPECT_EQ(tensor.sizes().vec(), reader.entry(name).shape);
        EXPECT_EQ(tensor.nbytes(), reader.entry(name).bytes());
        tensor.to(torch::kFloat64).sum();  // touches every byte
        sum += tensor.nbytes();
      }
      EXPECT_LE(sum, bytes.size());
      return true;
    } catch (const std::runtime_error& error) {
      const std::string message = error.what();
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
      EXPECT_NE(message.find("model.safetensors"), std::string::npos) << message;
      EXPECT_LT(message.size(), 1000u);
      return false;
    }
  }

  testing::TemporaryFolder folder;
  std::filesystem::path file = folder / "model.safetensors";
  std::string valid;
  size_t header_end = 0;
};

TEST_F(SafetensorsFuzzTest, EveryTruncationIsRefused) {
  ASSERT_TRUE(reads(valid));
  for (size_t length = 0; length < valid.size(); ++length) {
    EXPECT_FALSE(reads(valid.substr(0, length))) << length;
  }
}

TEST_F(SafetensorsFuzzTest, FlippedBytesNeverCrash) {
  std::mt19937_64 random(7);
  int read = 0, refused = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string bytes = valid;
    for (auto flips = 1 + random() % 4; flips > 0; --flips) {
      // Two of three in the header, where the decisions fall.
      const size_t end = random() % 3 == 0 ? bytes.size() : header_end;
      bytes[random() % end] = static_cast<char>(random());
    }
    ++(reads(bytes) ? read : refused);
  }
  EXPECT_GT(read, 100) << "the mutations reach nothing behind the header's checks";
  EXPECT_GT(refused, 1000);
}

TEST_F(SafetensorsFuzzTest, ReplacedNumbersAndWordsNeverCrash) {
  const std::string words[] = {"0",
                               "1",
                               "2",
                               "8",
                               "-1",
                               "12",
                               "1e9",
                               "4294967296",
                               "9223372036854775807",
                               "18446744073709551615",
                               "[]",
                               "{}",
                               "null",
                               "\"F32\"",
                               "\"BOOL\"",
                               "\"U8\"",
                               "\"I64\"",
                               "\"F8_E4M3\"",
                               ",",
                               "[",
                               "}"};
  std::mt19937_64 random(11);
  const std::string header = valid.substr(8, header_end - 8), data = valid.substr(header_end);
  for (int round = 0; round < 4000; ++round) {
    std::string changed = header;
    for (auto edits = 1 + random() % 3; edits > 0; --edits) {
      const size_t place = random() % changed.size();
      const size_t cut = std::min<size_t>(random() % 6, changed.size() - place);
      changed.replace(place, cut, words[random() % std::size(words)]);
    }
    reads(testing::length_bytes(changed.size()) + changed + data);
  }
}

TEST_F(SafetensorsFuzzTest, RandomBytesAreRefused) {
  std::mt19937_64 random(13);
  for (int round = 0; round < 1000; ++round) {
    std::string bytes(1 + random() % 200, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    if (round % 2 == 0) bytes = testing::length_bytes(bytes.size()) + bytes;
    EXPECT_FALSE(reads(bytes));
  }
}

}  // namespace
}  // namespace zoo
