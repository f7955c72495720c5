// What programs print with --json: the objects that docs/programs.md describes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/files.h"
#include "tests/programs/every_program.h"

namespace zoo::testing {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

std::vector<std::string> rows_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> rows;
  for (std::string row; std::getline(in, row);) rows.push_back(row);
  return rows;
}

/// "generate" -> the names in backquotes of its row's last column.
std::map<std::string, std::set<std::string>> documented_keys() {
  std::map<std::string, std::set<std::string>> table;
  bool here = false;
  for (const std::string& row : rows_of(read_file("docs/programs.md"))) {
    here = row == "## JSON" || (here && !row.starts_with("## "));
    if (!here || !row.starts_with("| `")) continue;
    const size_t name = 3, keys = row.find(" | ", row.find(" | ") + 3) + 3;
    auto& names = table[row.substr(name, row.find("` |") - name)];
    for (size_t at = row.find('`', keys); at != std::string::npos;) {
      const size_t end = row.find('`', at + 1);
      names.insert(row.substr(at + 1, end - at - 1));
      at = row.find('`', end + 1);
    }
  }
  return table;
}

void collect_keys(const json& value, std::set<std::string>& keys) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      keys.insert(key);
      collect_keys(inner, keys);
    }
  } else if (value.is_array()) {
    for (const auto& inner : value) collect_keys(inner, keys);
  }
}

/// Those whose line is a list, as the pipelines of `transformers` give it.
const std::set<std::string> kLists = {"classify_text", "fill_mask", "search_sentences"};

TEST(OutputJsonTest, EachLineIsAValueWithTheDocumentedKeys) {
  const auto documented = documented_keys();
  std::map<std::string, std::set<std::string>> found;
  for (const ProgramCall& one : EveryProgram::get().calls()) {
    if (one.json_row.empty()) continue;
    Words more = {"--json"};
    if (one.program == "score") more.emplace_back("--sentence-level");
    const auto printed = EveryProgram::get().run(one, more);
    ASSERT_EQ(printed.exit_code, 0) << one.program << ": " << printed.err;
    ASSERT_FALSE(printed.out.empty()) << one.program;
    for (const std::string& line : rows_of(printed.out)) {
      const auto parsed = json::parse(line, nullptr, /*allow_exceptions=*/false);
      ASSERT_TRUE(kLists.contains(one.json_row) ? parsed.is_array() : parsed.is_object())
          << one.program << ": " << line;
      collect_keys(parsed, found[one.json_row]);
    }
  }
  for (const auto& [row, keys] : documented) {
    ASSERT_TRUE(found.contains(row)) << row << " is in the table, but no call of this test has it";
    for (const std::string& key : keys) {
      if (key.starts_with("--")) continue;  // a flag, not a key
      EXPECT_TRUE(found[row].contains(key)) << row << " lacks " << key;
    }
  }
  for (const auto& [row, keys] : found)
    EXPECT_TRUE(documented.contains(row)) << row << " is not in docs/programs.md";
}

TEST(OutputJsonTest, NamesOfEarlierVersionsAreStillInTheJson) {
  const std::map<std::string, Words> old = {{"generate", {"prompt"}},
                                            {"translate", {"source", "translation"}},
                                            {"match_images", {"query"}},
                                            {"classify_image", {"file"}},
                                            {"inspect", {"path"}}};
  for (const ProgramCall& one : EveryProgram::get().calls()) {
    if (!old.contains(one.json_row)) continue;
    const auto first = json::parse(rows_of(EveryProgram::get().run(one, {"--json"}).out).at(0));
    for (const std::string& key : old.at(one.json_row)) {
      ASSERT_TRUE(first.contains(key)) << one.program << " lacks " << key;
      if (key == "translation") EXPECT_EQ(first[key], first["text"]);
      if (key == "path") EXPECT_EQ(first[key], first["model"]);
      if (key != "translation" && key != "path") EXPECT_EQ(first[key], first["input"]);
    }
  }
}

}  // namespace
}  // namespace zoo::testing
