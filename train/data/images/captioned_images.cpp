#include "train/data/images/captioned_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

#include "base/interrupt.h"
#include "models/images/image.h"
#include "train/data/images/labelled_images.h"
#include "train/data/text_lines.h"

namespace zoo {

std::vector<CaptionedPath> read_caption_file(const std::filesystem::path& file) {
  std::vector<CaptionedPath> pairs;
  for (const auto& line : read_text_lines(file)) {
    const auto columns = columns_of(line, "\t");
    if (columns.size() < 2 || std::ranges::any_of(columns, is_blank)) {
      fail_at_line(file, pairs.size() + 1,
                   "expected a picture's path and one caption or more, with tabs between them");
    }
    if (line.find('\0') != std::string::npos)
      fail_at_line(file, pairs.size() + 1, "a zero byte; leave it out");
    pairs.push_back({file.parent_path() / columns[0], {columns.begin() + 1, columns.end()}});
  }
  return pairs;
}

CaptionedImages read_captioned_images(const std::filesystem::path& file,
                                      const ImagePreprocessing& preprocessing) {
  CaptionedImages data;
  std::vector<torch::Tensor> pictures;
  std::unordered_map<std::string, int64_t> concepts;
  for (auto& pair : read_caption_file(file)) {
    stop_if_interrupted("reading the pictures");
    try {
      const auto image = read_image(pair.picture);
      pictures.push_back(planes_of(resized_and_cropped(image, preprocessing)));
    } catch (const std::runtime_error& e) {
      fail_at_line(file, pictures.size() + 1, e.what());
    }
    const auto& name = pair.captions.front();
    const auto [thing, is_new] = concepts.emplace(name, std::ssize(data.concepts));
    if (is_new) data.concepts.push_back(name);
    data.concept_of.push_back(thing->second);
    data.captions.push_back(std::move(pair.captions));
  }
  data.pixels = torch::stack(pictures);  // [N, 3, H, W]
  return data;
}

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
