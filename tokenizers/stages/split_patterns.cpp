#include "tokenizers/stages/split_patterns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace zoo {
namespace {

// Contractions in any case; letters with one character before them; up to three digits; punctuation
// with following line breaks; white space, whose last character belongs to the next word.
#define ZOO_CONTRACTIONS R"((?i:'s|'t|'re|'ve|'m|'ll|'d))"
#define ZOO_LETTERS R"([^\r\n\p{L}\p{N}]?\p{L}+)"
#define ZOO_SPACES R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
// o200k: a capital letter after a lower-case letter begins a new word.
#define ZOO_UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define ZOO_LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kCl100k =
    ZOO_CONTRACTIONS "|" ZOO_LETTERS R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" ZOO_SPACES;
constexpr std::string_view kQwen2 =
    ZOO_CONTRACTIONS "|" ZOO_LETTERS R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" ZOO_SPACES;
constexpr std::string_view kO200k =
    R"([^\r\n\p{L}\p{N}]?)" ZOO_UPPER "*" ZOO_LOWER "+" ZOO_CONTRACTIONS
    "?|"
    R"([^\r\n\p{L}\p{N}]?)" ZOO_UPPER "+" ZOO_LOWER "*" ZOO_CONTRACTIONS
    "?|"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" ZOO_SPACES;
// Radford et al. 2021 (arXiv:2103.00020), simple_tokenizer.py.
constexpr std::string_view kClip = R"('s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)";

struct Named {
  std::string_view name, pattern;
};
constexpr Named kPatterns[] = {{"gpt2", kGpt2},     {"r50k", kGpt2},     {"p50k", kGpt2},
                               {"cl100k", kCl100k}, {"llama3", kCl100k}, {"o200k", kO200k},
                               {"qwen2", kQwen2},   {"clip", kClip}};

}  // namespace

std::string_view split_pattern(std::string_view name) {
  for (const Named& known : kPatterns) {
    if (known.name == name) return known.pattern;
  }
  throw std::invalid_argument(fmt::format("no split pattern is called '{}'; known: {}", name,
                                          fmt::join(split_pattern_names(), ", ")));
}

std::vector<std::string_view> split_pattern_names() {
  std::vector<std::string_view> names;
  for (const Named& known : kPatterns) names.push_back(known.name);
  return names;
}

}  // namespace zoo
