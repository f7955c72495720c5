#include "train/data/images/captioned_images.h"

#include <unordered_map>

namespace zoo {

CaptionTable caption_table(std::span<const std::vector<std::string>> captions) {
  CaptionTable table;
  std::unordered_map<std::string, int64_t> numbers;
  std::vector<std::pair<int64_t, int64_t>> pairs;  // picture, text
  for (int64_t n = 0; const auto& texts : captions) {
    for (const auto& text : texts) {
      const auto [found, is_new] = numbers.emplace(text, std::ssize(table.texts));
      if (is_new) table.texts.push_back(text);
      pairs.emplace_back(n, found->second);
    }
    ++n;
  }
  table.matches = torch::zeros({std::ssize(captions), std::ssize(table.texts)}, torch::kBool);
  auto matches = table.matches.accessor<bool, 2>();
  for (const auto& [picture, text] : pairs) matches[picture][text] = true;
  return table;
}

}  // namespace zoo
