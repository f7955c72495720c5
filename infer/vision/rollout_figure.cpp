#include "infer/vision/rollout_figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "app/figures/letters.h"
#include "models/images/resize.h"

namespace zoo {
namespace {

constexpr double kTint = 0.65;  // of a patch's colour; the rest is the picture
constexpr double kLine = 0.35;  // of white in the lines between patches

double largest(const torch::Tensor& shares) { return shares.max().item<double>(); }

/// A pixel for each patch.
Image colours_of(const torch::Tensor& shares) {
  const auto values = shares.to(torch::kFloat).contiguous();
  const auto most = static_cast<float>(largest(shares));
  return heat_map({values.data_ptr<float>(), static_cast<size_t>(values.numel())},
                  static_cast<int>(values.size(0)), static_cast<int>(values.size(1)), 0,
                  std::max(most, 1e-12F), /*cell=*/1);
}

/// From no share to the largest.
template <size_t N>
Image scale_of() {
  std::array<float, N> steps{};
  for (size_t i = 0; i < N; ++i) steps[i] = static_cast<float>(i) / (N - 1);
  return heat_map(steps, 1, N, 0, 1, /*cell=*/1);
}

std::string hex_at(const Image& image, size_t pixel) {
  const uint8_t* const rgb = image.rgb.data() + 3 * pixel;
  return fmt::format("#{:02x}{:02x}{:02x}", rgb[0], rgb[1], rgb[2]);
}

std::string percent(double share) { return fmt::format("{:.3g} %", 100 * share); }

}  // namespace

Image tint_patches(const Image& picture, const torch::Tensor& shares, int side) {
  const int scale = std::max(1, side / std::max(picture.width, picture.height));
  Image shown = resize(picture, picture.width * scale, picture.height * scale, Resample::kNearest);
  const Image colours = colours_of(shares);
  const auto row_at = [&](int y) { return y * colours.height / shown.height; };
  const auto column_at = [&](int x) { return x * colours.width / shown.width; };
  for (int y = 0; y < shown.height; ++y) {
    for (int x = 0; x < shown.width; ++x) {
      uint8_t* const rgb =
          shown.rgb.data() +
          3 * (static_cast<size_t>(y) * static_cast<size_t>(shown.width) + static_cast<size_t>(x));
      const uint8_t* const colour =
          colours.rgb.data() + 3 * (static_cast<size_t>(row_at(y) * colours.width + column_at(x)));
      const bool first = y > 0 && row_at(y) != row_at(y - 1);
      const bool line = first || (x > 0 && column_at(x) != column_at(x - 1));
      const double grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
      for (size_t c = 0; c < 3; ++c) {
        const double tinted = kTint * colour[c] + (1 - kTint) * grey;
        rgb[c] =
            static_cast<uint8_t>(std::lround(line ? kLine * 255 + (1 - kLine) * tinted : tinted));
      }
    }
  }
  return shown;
}

Image draw_rollout(const Image& seen, const torch::Tensor& shares) {
  constexpr int kSide = 224, kGap = 4, kScale = 8, kBelow = kGap + kScale + kGap + kLetterHeight;
  const Image tinted = tint_patches(seen, shares, kSide);
  const std::array<Image, 2> both = {resize(seen, tinted.width, tinted.height, Resample::kNearest),
                                     tinted};
  const Image pictures = contact_sheet(both, 2, kGap);
  Image sheet = blank_image(pictures.width, pictures.height + kBelow);
  paste(sheet, pictures, 0, 0);
  const int left = tinted.width + kGap, top = pictures.height + kGap;
  paste(sheet, resize(scale_of<64>(), tinted.width, kScale, Resample::kNearest), left, top);
  const std::string most = percent(largest(shares));
  draw_text(sheet, left, top + kScale + kGap, "0");
  draw_text(sheet, sheet.width - text_width(most), top + kScale + kGap, most);
  return sheet;
}

std::string rollout_html(const Image& seen, const torch::Tensor& shares) {
  const Image colours = colours_of(shares);
  const auto values = shares.to(torch::kDouble).contiguous();
  const double width = static_cast<double>(seen.width) / colours.width;
  const double height = static_cast<double>(seen.height) / colours.height;
  const std::string picture = fmt::format(R"(<image width="{}" height="{}" href="{}"/>)",
                                          seen.width, seen.height, png_data_uri(seen));
  std::string patches;
  for (int row = 0; row < colours.height; ++row) {
    for (int column = 0; column < colours.width; ++column) {
      const auto at = static_cast<size_t>(row * colours.width + column);
      patches += fmt::format(
          R"(<rect x="{:.4g}" y="{:.4g}" width="{:.4g}" height="{:.4g}" fill="{}"><title>patch {},{}: )"
          R"({}</title></rect>)",
          column * width, row * height, width, height, hex_at(colours, at), row, column,
          percent(values.data_ptr<double>()[at]));
    }
  }
  constexpr size_t kStops = 6;
  const Image scale = scale_of<kStops>();
  std::string stops;
  for (size_t i = 0; i < kStops; ++i) stops += ", " + hex_at(scale, i);
  const std::string frame =
      fmt::format(R"(<svg viewBox="0 0 {} {}" role="img" aria-label=)", seen.width, seen.height);
  return fmt::format(
      "<div class=\"rollout\"><figure>{0}\"what the model saw\">{1}</svg><figcaption>What the "
      "model "
      "saw</figcaption></figure>\n<figure>{0}\"shares of its patches\"><g "
      "class=\"under\">{1}</g>{2}</svg><figcaption><span class=\"scale\"><i>0</i><i "
      "class=\"colours\" "
      "style=\"background:linear-gradient(to right{3})\"></i><i>{4}</i></span>Share of each patch "
      "in "
      "the answer; an even share is {5}.</figcaption></figure></div>\n",
      frame, picture, patches, stops, percent(largest(shares)),
      percent(values.sum().item<double>() / static_cast<double>(values.numel())));
}

std::string_view rollout_style() {
  return R"(
.rollout { display: flex; flex-wrap: wrap; gap: 14px; margin: 8px 0 16px; }
.rollout figure { margin: 0; width: min(100%, 340px); }
.rollout svg image { image-rendering: pixelated; }
.rollout .under { filter: grayscale(1); }
.rollout rect { fill-opacity: 0.65; stroke: #fff; stroke-opacity: 0.35; stroke-width: 1px;
  vector-effect: non-scaling-stroke; }
.rollout rect:hover { stroke: #ff9d57; stroke-opacity: 1; stroke-width: 3px; }
.rollout figcaption { color: var(--muted); font-size: 0.85rem; margin-top: 4px; }
.rollout .scale { display: flex; gap: 8px; align-items: center; }
.rollout .scale i { font-style: normal; }
.rollout .scale .colours { flex: 1; height: 10px; border-radius: 3px; }
)";
}

}  // namespace zoo
