#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <random>

#include "base/files.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/character.h"
#include "train/data/segment_source.h"
#include "train/data/text_corpus.h"
#include "train/data/token_stream.h"
#include "train/data/window_source.h"
#include "train/gpt/gpt_task.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using zoo::testing::TemporaryFolder;

std::shared_ptr<TokenStream> stream_of(const TemporaryFolder& folder, int32_t count,
                                       uint64_t vocab = 100) {
  const auto path = folder / "x.tokens";
  TokenStreamWriter writer(path, vocab, 7);
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < count; ++i) ids.push_back(i % static_cast<int32_t>(vocab));
  writer.append(ids, ids.size());
  writer.finish();
  return std::make_shared<TokenStream>(path);
}

TEST(TokenStreamTest, ReadsWhatWasWrittenInEitherWidth) {
  for (const uint64_t vocab :
       {uint64_t{100}, uint64_t{65536}, uint64_t{65537}, uint64_t{2000000}}) {
    const TemporaryFolder folder;
    const auto path = folder / "x.tokens";
    TokenStreamWriter writer(path, vocab, 7);
    const auto top = static_cast<int32_t>(vocab - 1);
    writer.append(std::vector<int32_t>{0, top, 5}, 10);
    writer.append(std::vector<int32_t>{1}, 2);
    writer.finish();
    const TokenStream stream(path);
    EXPECT_TRUE(stream.read(0, 4).equal(torch::tensor({0L, static_cast<long>(top), 5L, 1L})));
    EXPECT_EQ(stream.info().text_bytes, 12U);
    EXPECT_EQ(stream.size(), 4);
  }
}

TEST(TokenStreamTest, AnUnfinishedOneLeavesNoFile) {
  const TemporaryFolder folder;
  { TokenStreamWriter writer(folder / "x.tokens", 10, 7); }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(TokenStreamTest, RefusesAnotherTokenizerAndIdsOutsideTheVocabulary) {
  const TemporaryFolder folder;
  const auto stream = stream_of(folder, 10);
  EXPECT_NO_THROW(stream->require_tokenizer(7, 100));
  EXPECT_THAT([&] { stream->require_tokenizer(8, 100); },
              ThrowsMessage<std::runtime_error>(HasSubstr("another tokenizer")));
  TokenStreamWriter writer(folder / "y.tokens", 10, 7);
  EXPECT_THAT(
      [&] { writer.append(std::vector<int32_t>{10}, 1); },
      ThrowsMessage<std::invalid_argument>(HasSubstr("id 10 is outside the vocabulary of 10")));
}

TEST(TokenStreamTest, RefusesDamagedFilesInOneLine) {
  const TemporaryFolder folder;
  stream_of(folder, 10);
  const std::string good = read_file(folder / "x.tokens");
  const auto with = [&](std::string bytes) {
    write_file(folder / "bad.tokens", bytes);
    return [&] { TokenStream{folder / "bad.tokens"}; };
  };
  const auto changed = [&](size_t place, char value) {
    std::string bytes = good;
    bytes[place] = value;
    return bytes;
  };
  EXPECT_THAT(with(""), ThrowsMessage<std::runtime_error>(HasSubstr("not a token stream")));
  EXPECT_THAT(with(changed(0, 'X')),
              ThrowsMessage<std::runtime_error>(HasSubstr("not a token stream")));
  EXPECT_THAT(with(changed(8, 9)),
              ThrowsMessage<std::runtime_error>(HasSubstr("version 9, expected 1")));
  EXPECT_THAT(with(changed(12, 3)), ThrowsMessage<std::runtime_error>(HasSubstr("3 bytes an id")));
  EXPECT_THAT(with(changed(23, '\x7f')),
              ThrowsMessage<std::runtime_error>(HasSubstr("its header announces")));
  EXPECT_THAT(with(good.substr(0, good.size() - 1)),
              ThrowsMessage<std::runtime_error>(HasSubstr("announces")));
}

TEST(TokenStreamTest, AnIdOutsideTheVocabularyIsNamedWhenItIsRead) {
  const TemporaryFolder folder;
  stream_of(folder, 10);
  std::string bytes = read_file(folder / "x.tokens");
  bytes[64 + 2 * 3] = '\xFF';
  write_file(folder / "x.tokens", bytes);
  const TokenStream stream(folder / "x.tokens");
  EXPECT_NO_THROW(stream.read(0, 3));
  EXPECT_THAT([&] { stream.read(0, 10); },
              ThrowsMessage<std::runtime_error>(
                  HasSubstr("token id 255 at position 3 is outside its vocabulary of 100")));
}

TEST(TokenStreamTest, SurvivesRandomDamage) {
  const TemporaryFolder folder;
  stream_of(folder, 50);
  const std::string good = read_file(folder / "x.tokens");
  std::mt19937 random(1);
  for (int n = 0; n < 2000; ++n) {
    std::string bytes = good;
    for (int k = 0; k < 3; ++k) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (n % 3 == 0) bytes.resize(random() % bytes.size());
    std::ofstream(folder / "bad.tokens", std::ios::binary) << bytes;
    try {
      const TokenStream stream(folder / "bad.tokens");
      const auto ids = stream.read(0, stream.size());
      EXPECT_LT(ids.numel() == 0 ? 0 : static_cast<uint64_t>(ids.max().item<int64_t>()),
                stream.info().vocab_size + 1);
    } catch (const std::exception& e) {
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    }
  }
}

TEST(SegmentSourceTest, EachRowReadsItsStretchInOrder) {
  const TemporaryFolder folder;
  const auto stream = stream_of(folder, 500, 1000);
  SegmentSource segments({stream, 3, 50}, 2, 7);  // 47 tokens: stretches of 23, 3 segments each
  for (int round = 0; round < 2; ++round) {
    for (int64_t n = 0; n < 3; ++n) {
      EXPECT_EQ(segments.at_beginning(), n == 0);
      const auto batch = segments.next();
      const auto starts = torch::tensor({3 + 7 * n, 3 + 23 + 7 * n}, torch::kLong);
      EXPECT_TRUE(batch.inputs.equal(starts.unsqueeze(1) + torch::arange(7)));
      EXPECT_TRUE(batch.targets.equal(batch.inputs + 1));
    }
  }
}

TEST(SegmentSourceTest, GoesOnFromItsState) {
  const TemporaryFolder folder;
  const auto stream = stream_of(folder, 500, 1000);
  SegmentSource segments({stream, 0, 100}, 3, 5);
  segments.next();
  segments.next();
  EXPECT_EQ(segments.state(), "segment 2");
  SegmentSource others({stream, 0, 100}, 3, 5);
  others.restore(segments.state());
  EXPECT_TRUE(others.next().inputs.equal(segments.next().inputs));
  for (const char* wrong : {"", "2", "segment ", "segment -1", "segment 6", "segment 2x",
                            "segment 99999999999999999999"}) {
    EXPECT_THAT([&] { others.restore(wrong); },
                ThrowsMessage<std::runtime_error>(HasSubstr("position in the data")))
        << wrong;
  }
  EXPECT_THAT(
      [&] {
        SegmentSource({stream, 0, 15}, 3, 5);
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("has 15 tokens, a segment of each of 3 "
                                                  "rows needs 16")));
  EXPECT_NO_THROW(SegmentSource({stream, 0, 16}, 3, 5));
}

TEST(RandomWindowsTest, DrawsAsTorchRandintDoesFromTheSameSeed) {
  const TemporaryFolder folder;
  const auto stream = stream_of(folder, 500, 1000);
  RandomWindows windows({stream, 0, 400}, 5, 16, 42);
  auto generator = at::make_generator<at::CPUGeneratorImpl>(42);
  for (int n = 0; n < 3; ++n) {
    const auto starts = torch::randint(0, 400 - 16, {5}, generator, torch::kLong);
    const auto batch = windows.next();
    EXPECT_TRUE(batch.inputs.equal(starts.unsqueeze(1) + torch::arange(16)));
    EXPECT_TRUE(batch.targets.equal(batch.inputs + 1));
  }
}

TEST(RandomWindowsTest, RestoredStateGivesTheSameBatches) {
  const TemporaryFolder folder;
  RandomWindows windows({stream_of(folder, 500, 1000), 0, 500}, 4, 8, 1);
  windows.next();
  const auto state = windows.state();
  const auto expected = windows.next().inputs;
  windows.next();
  windows.restore(state);
  EXPECT_TRUE(windows.next().inputs.equal(expected));
  EXPECT_THAT([&] { windows.restore("zz"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("position in the data")));
  EXPECT_THAT([&] { windows.restore(std::string(state.size(), 'x')); },
              ThrowsMessage<std::runtime_error>(HasSubstr("hexadecimal")));
}

TEST(RandomWindowsTest, TheShortestTextThatWorksHasOneWindow) {
  const TemporaryFolder folder;
  const auto stream = stream_of(folder, 9);
  RandomWindows one({stream, 0, 9}, 2, 8, 1);
  EXPECT_TRUE(one.next().inputs[0].equal(torch::arange(8)));
  EXPECT_THAT(
      [&] {
        RandomWindows({stream, 0, 8}, 2, 8, 1);
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("8 tokens, a window needs 9")));
}

TEST(ConsecutiveWindowsTest, EveryTokenButTheFirstIsATargetOnce) {
  const TemporaryFolder folder;
  const auto stream = stream_of(folder, 300, 1000);
  for (const int64_t size : {2, 8, 9, 10, 17, 64, 65, 100}) {
    const ConsecutiveWindows windows({stream, 100, 100 + size}, 3, 8);
    std::vector<int64_t> targets;
    for (int64_t n = 0; n < windows.batches(); ++n) {
      const auto batch = windows.at(n);
      EXPECT_TRUE(batch.targets.equal(batch.inputs + 1));
      for (int64_t i = 0; i < batch.targets.numel(); ++i) {
        targets.push_back(batch.targets.flatten()[i].item<int64_t>());
      }
    }
    std::vector<int64_t> expected(static_cast<size_t>(size - 1));
    for (size_t i = 0; i < expected.size(); ++i) expected[i] = 101 + static_cast<int64_t>(i);
    EXPECT_EQ(targets, expected) << "size " << size;
  }
}

TEST(ConsecutiveWindowsTest, RefusesARangeWithNothingToPredict) {
  const TemporaryFolder folder;
  EXPECT_THAT(
      [&] {
        ConsecutiveWindows({stream_of(folder, 5), 4, 5}, 3, 8);
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("validation part has 1 tokens")));
}

TEST(SplitTextTest, GivesTheFirstNineTenthsToTraining) {
  const TemporaryFolder folder;
  const auto split = split_text(stream_of(folder, 99), 0.1);
  EXPECT_EQ(split.training.size(), 89);  // floor(89.1), as nanoGPT's int(n * 0.9)
  EXPECT_EQ(split.validation.begin, 89);
  EXPECT_EQ(split.validation.size(), 10);
}

class EncodeTextTest : public ::testing::Test {
 protected:
  void expect_refusal(const std::string& text, const std::string& message) {
    write_file(folder_ / "text.txt", text);
    EXPECT_THAT([&] { encode_text({folder_ / "text.txt"}, tokenizer_, folder_ / "out.tokens"); },
                ThrowsMessage<std::runtime_error>(HasSubstr(message)));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out.tokens"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out.tokens.partial"));
  }
  TemporaryFolder folder_;
  CharacterTokenizer tokenizer_{U"\n abé"};
};

TEST_F(EncodeTextTest, JoinsFilesInOrderAndCountsTheirBytes) {
  write_file(folder_ / "1.txt", "ab\né");
  write_file(folder_ / "2.txt", "ba");
  encode_text(text_files(folder_.path()), tokenizer_, folder_ / "out.tokens");
  const TokenStream stream(folder_ / "out.tokens");
  EXPECT_TRUE(stream.read(0, stream.size()).equal(torch::tensor({2L, 3L, 0L, 4L, 3L, 2L})));
  EXPECT_EQ(stream.info().text_bytes, 7U);
}

TEST_F(EncodeTextTest, WhatSystemsAddIsNoText) {
  const std::string mark = "\xEF\xBB\xBF";
  std::filesystem::create_directories(folder_ / ".git");
  std::filesystem::create_directories(folder_ / "deep" / "__MACOSX");
  write_file(folder_ / "1.txt", mark + "ab");
  write_file(folder_ / "deep" / "2.txt", mark + "ba");
  for (const char* added : {".git/HEAD", "deep/__MACOSX/._2.txt", ".DS_Store", "deep/Thumbs.db"})
    write_file(folder_.path() / added, std::string("x\0", 2));
  EXPECT_EQ(text_files(folder_.path()).size(), 2U);
  encode_text(text_files(folder_.path()), tokenizer_, folder_ / "out.tokens");
  const TokenStream stream(folder_ / "out.tokens");
  EXPECT_TRUE(stream.read(0, stream.size()).equal(torch::tensor({2L, 3L, 3L, 2L})));
}

TEST_F(EncodeTextTest, EqualsEncodingAtOnceAcrossPieces) {
  std::string text;
  for (int n = 0; n < 300000; ++n) text += n % 7 == 0 ? "é\n" : "ab ba ";
  write_file(folder_ / "long.txt", text);  // longer than one piece
  encode_text({folder_ / "long.txt"}, tokenizer_, folder_ / "out.tokens");
  const TokenStream stream(folder_ / "out.tokens");
  const auto ids = tokenizer_.ids(text);
  EXPECT_TRUE(
      stream.read(0, stream.size()).equal(torch::tensor(ids, torch::kInt).to(torch::kLong)));
}

TEST_F(EncodeTextTest, RefusesEmptyBinaryAndForeignText) {
  expect_refusal("", "is empty");
  expect_refusal(std::string("a\0b\0\n\0", 6), "UTF-16, expected UTF-8");
  expect_refusal(std::string("ab\0ba", 5), "not a text file (a zero byte at 2)");
  expect_refusal(
      "ab\xFF"
      "ba",
      "not valid UTF-8");
}

TEST_F(EncodeTextTest, ACharacterOutsideTheVocabularyIsToldByFileLineAndByte) {
  expect_refusal("ab\n\naéc", "text.txt line 3 (byte 7): 'c' (U+0063) is not in the character");
  std::string text;
  for (int n = 0; n < 300000; ++n) text += "ab ba\n";  // past the first piece
  expect_refusal(text + "bbc", "text.txt line 300001 (byte 1800002): 'c'");
}

TEST_F(EncodeTextTest, TheSecondFileCountsFromItsOwnBeginning) {
  write_file(folder_ / "1.txt", "ab\nab\n");
  write_file(folder_ / "2.txt", "b\nc");
  EXPECT_THAT([&] { encode_text(text_files(folder_.path()), tokenizer_, folder_ / "out.tokens"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("2.txt line 2 (byte 2): 'c'")));
}

TEST_F(EncodeTextTest, APipeIsRefusedInsteadOfWaitedFor) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT([&] { text_files(folder_ / "pipe"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("neither a file nor a folder")));
}

TEST_F(EncodeTextTest, AMissingPathSaysHowToGetData) {
  EXPECT_THAT([&] { text_files(folder_ / "nowhere"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("scripts/get_data.sh")));
  std::filesystem::create_directories(folder_ / "empty");
  EXPECT_THAT([&] { text_files(folder_ / "empty"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("holds no files")));
}

}  // namespace
}  // namespace zoo
