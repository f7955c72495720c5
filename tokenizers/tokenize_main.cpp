// Text to ids and back, line by line from standard input:
//   echo 'to be or not' | tokenize --tokenizer runs/bpe encode
//   echo '[316, 275]' | tokenize --tokenizer runs/bpe decode
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "app/cli.h"
#include "app/run_app.h"
#include "tokenizers/tokenizer.h"

namespace {

using nlohmann::json;

struct Options {
  std::string tokenizer, verb;
  bool special = false, skip_special = false, as_json = false, plain = false;
};

std::string encode_line(const zoo::Tokenizer& tokenizer, const Options& o,
                        const std::string& line) {
  std::string text = line;
  if (o.as_json) {
    const json parsed = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!parsed.is_string()) throw std::runtime_error("expected a JSON string (--json)");
    text = parsed.get<std::string>();
  }
  const auto ids = tokenizer.ids(text, {.add_special = o.special, .recognise_added = !o.plain});
  return fmt::format("[{}]", fmt::join(ids, ", "));
}

std::string decode_line(const zoo::Tokenizer& tokenizer, const Options& o,
                        const std::string& line) {
  const json parsed = json::parse(line, nullptr, /*allow_exceptions=*/false);
  const auto fail = [] {
    throw std::runtime_error("expected a JSON array of ids, such as [12, 7]");
  };
  if (!parsed.is_array()) fail();
  std::vector<int32_t> ids;
  for (const json& id : parsed) {
    if (!id.is_number_integer()) fail();
    const auto value = id.get<int64_t>();
    if (value < 0 || value > INT32_MAX) {
      throw std::runtime_error(fmt::format("id {} is outside the vocabulary (0 to {})", id.dump(),
                                           tokenizer.vocab_size() - 1));
    }
    ids.push_back(static_cast<int32_t>(value));
  }
  const std::string text = tokenizer.decode(ids, o.skip_special);
  if (!o.as_json) return text;
  // In ASCII: some readers take U+0085 or U+2028 inside a string for the end of a line.
  return json(text).dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
}

int run(const Options& o) {
  const auto tokenizer = zoo::load_tokenizer(o.tokenizer);
  std::string line;
  for (int64_t number = 1; std::getline(std::cin, line, '\n'); ++number) {
    try {
      std::cout << (o.verb == "encode" ? encode_line(*tokenizer, o, line)
                                       : decode_line(*tokenizer, o, line))
                << '\n';
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("line {}: {}", number, error.what()));
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("tokenize", [&]() -> int {
    std::ios::sync_with_stdio(false);
    Options o;
    CLI::App app{"Text to ids and back: one line of standard input at a time."};
    app.add_option("verb", o.verb, "encode: text to a JSON array of ids; decode: the reverse")
        ->required()
        ->check(CLI::IsMember({"encode", "decode"}));
    app.add_option("--tokenizer", o.tokenizer, "Folder with the tokenizer's files")->required();
    app.add_flag("--special", o.special,
                 "encode: add the special tokens of the tokenizer's template");
    app.add_flag("--skip-special", o.skip_special, "decode: leave special tokens out");
    app.add_flag("--json", o.as_json,
                 "Text lines are JSON strings, so that they may hold any character");
    app.add_flag("--plain", o.plain, "encode: special tokens written in the text are text");
    zoo::parse(app, argc, argv);
    return run(o);
  });
}
