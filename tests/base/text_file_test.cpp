// Byte order marks, line ends, wide encodings, and the files that systems add.
#include "base/text_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <sstream>
#include <stdexcept>

#include "base/files.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;

const std::string kMark = "\xEF\xBB\xBF";

/// Code points as UTF-16 or UTF-32 has them: `width` bytes each.
std::string wide(std::u32string_view text, int width, bool little) {
  std::string bytes;
  for (const char32_t c : text)
    for (int i = 0; i < width; ++i)
      bytes += static_cast<char>(c >> (8 * (little ? i : width - 1 - i)) & 0xFF);
  return bytes;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  LineReader reader(in, "input");
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

TEST(WideEncodingTest, IsSeenByItsMark) {
  for (const bool little : {true, false}) {
    EXPECT_EQ(wide_encoding(wide(U"\uFEFF\u6F22\u5B57", 2, little)), "UTF-16");
    EXPECT_EQ(wide_encoding(wide(U"\uFEFFa", 4, little)), "UTF-32");
  }
}

TEST(WideEncodingTest, IsSeenByItsZeros) {
  EXPECT_EQ(wide_encoding(wide(U"good\tthe", 2, true)), "UTF-16LE");
  EXPECT_EQ(wide_encoding(wide(U"good\tthe", 2, false)), "UTF-16BE");
  EXPECT_EQ(wide_encoding(wide(U"na\u00efve \u2014 \u6F22 text", 2, true)), "UTF-16LE");
  EXPECT_EQ(wide_encoding(wide(U"\u6F22\u5B57 a", 4, true)), "UTF-32LE");
  EXPECT_EQ(wide_encoding(wide(U"\u6F22\u5B57 a", 4, false)), "UTF-32BE");
}

TEST(WideEncodingTest, IsNotSeenInUtf8) {
  using namespace std::string_literals;
  for (const std::string& text :
       {""s, "a"s, "text"s, kMark + "text"s, "a\0b"s, "ELF\0"s, "one zero\0 in a text"s,
        "\0\0\0\0"s, "\xE6\xBC\xA2\xE5\xAD\x97"s})
    EXPECT_EQ(wide_encoding(text), "") << text;
}

TEST(LineReaderTest, LinesEndAtBothKindsOfLineEnd) {
  EXPECT_THAT(lines_of("a\r\nb\nc"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(lines_of("\r\n\n x \n"), ElementsAre("", "", " x "));
  EXPECT_THAT(lines_of("a\rb\n"), ElementsAre("a\rb"));  // inside a line it is text
  EXPECT_THAT(lines_of(""), ElementsAre());
}

TEST(LineReaderTest, TheMarkIsNoPartOfTheFirstLine) {
  EXPECT_THAT(lines_of(kMark + "a\n" + kMark + "b\n"), ElementsAre("a", kMark + "b"));
  EXPECT_THAT(lines_of(kMark + "\n"), ElementsAre(""));
}

TEST(LineReaderTest, WideTextIsRefused) {
  EXPECT_THAT(error_of([] { lines_of(wide(U"\uFEFFa\n", 2, true)); }),
              AllOf(HasSubstr("input is UTF-16, expected UTF-8"), HasSubstr("iconv")));
}

TEST(LineReaderTest, RawLinesKeepWhatIsText) {
  std::istringstream in(kMark + "a\r\n\nb");
  std::vector<std::string> lines;
  for (std::string line; read_raw_line(in, line);) lines.push_back(line);
  EXPECT_THAT(lines, ElementsAre(kMark + "a\r", "", "b"));
}

struct TextFileTest : ::testing::Test {
  testing::TemporaryFolder folder;
  std::filesystem::path file(std::string_view bytes) {
    write_file(folder / "text.txt", bytes);
    return folder / "text.txt";
  }
};

TEST_F(TextFileTest, TheMarkIsNoPartOfAFile) {
  EXPECT_EQ(read_text_file(file(kMark + "a\r\n")), "a\r\n");
  EXPECT_EQ(read_text_file(file("a" + kMark)), "a" + kMark);
  EXPECT_THAT(read_lines(file(kMark + "a\r\nb")), ElementsAre("a", "b"));
}

TEST_F(TextFileTest, WideFilesAreNamed) {
  for (const int width : {2, 4}) {
    const auto path = file(wide(U"label\ttext\n", width, true));
    for (const auto& read : {std::function<void()>([&] { read_text_file(path); }),
                             std::function<void()>([&] { read_lines(path); })}) {
      EXPECT_THAT(error_of(read),
                  AllOf(HasSubstr("text.txt is UTF-" + std::to_string(8 * width)),
                        HasSubstr("iconv -f UTF-" + std::to_string(8 * width) + "LE -t UTF-8")));
    }
  }
}

TEST(SystemNameTest, KnowsWhatSystemsAdd) {
  for (const char* name :
       {".DS_Store", "._cat.png", ".git", ".ipynb_checkpoints", "Thumbs.db", "thumbs.db",
        "desktop.ini", "Desktop.ini", "__MACOSX", "a/b/.hidden", "System Volume Information"})
    EXPECT_TRUE(is_system_name(name)) << name;
  for (const char* name : {"cat.png", "thumbs", "_a", "db", "a.git", "desktop.ini.txt", "MACOSX"})
    EXPECT_FALSE(is_system_name(name)) << name;
}

TEST(BlankLineTest, IsWhiteSpaceAlone) {
  for (const char* line : {"", " ", "\t", " \r"}) EXPECT_TRUE(is_blank_line(line));
  for (const char* line : {"a", " a ", "\xC2\xA0"}) EXPECT_FALSE(is_blank_line(line));
}

}  // namespace
}  // namespace zoo
