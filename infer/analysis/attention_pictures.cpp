// Panels of heads with titles, axes and labels, and the folder of files.
#include "infer/analysis/attention_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <stdexcept>

#include "app/figures/letters.h"
#include "base/files.h"
#include "base/text_file.h"
#include "infer/analysis/output_folder.h"
#include "infer/vision/attention_rollout.h"
#include "infer/vision/rollout_figure.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr const char *kPage = "attention.html", *kHeads = "heads", *kRollout = "rollout.png",
                     *kAllHeads = "multi_head_attention_map.png";
constexpr Colour kMasked = {222, 225, 231};  // a pale grey, not in the scale
constexpr Colour kInk = {27, 34, 48}, kQuiet = {93, 103, 120};

/// Pixels of a cell of one panel, and the sheet's space around the panels of one map.
struct PanelPlan {
  int cell = 1, width = 0, height = 0;  // of a panel, title not included
  int left = 0, bottom = 0;             // space for labels and names of axes
  bool row_labels = false, column_labels = false;
};
constexpr int kGap = 10, kTitle = 12, kHeading = 24, kAxis = 14;

int widest(const std::vector<std::string>& labels) {
  int most = 0;
  for (const auto& label : labels) most = std::max(most, text_width(label));
  return most;
}

PanelPlan plan_of(const AttentionMap& map) {
  constexpr int64_t kSide = 320, kSheet = 6000;  // pixels
  const auto T = std::ssize(map.queries), S = std::ssize(map.keys);
  const int64_t fits =
      std::min(kSide / std::max(T, S), kSheet / std::max<int64_t>(S * map.heads(), 1));
  PanelPlan plan;
  plan.cell = static_cast<int>(std::clamp<int64_t>(fits, 1, 16));
  plan.width = std::max(static_cast<int>(S) * plan.cell, 40);
  plan.height = static_cast<int>(T) * plan.cell;
  plan.row_labels = plan.column_labels = plan.cell >= kLetterHeight + 1 && !map.of_patches();
  plan.left = kAxis + kGap + (plan.row_labels ? widest(map.queries) + 4 : 0);
  plan.bottom = kAxis + (plan.column_labels ? widest(map.keys) + 4 : 0);
  // A few rows may be lower than the name of their axis is long.
  plan.bottom = std::max(plan.bottom, text_width(map.query_axis) - plan.height);
  return plan;
}

int panel_top(const PanelPlan& plan, int layer) {
  return kHeading + layer * (kTitle + plan.height + plan.bottom + kGap) + kTitle;
}
int panel_left(const PanelPlan& plan, int head) { return plan.left + head * (plan.width + kGap); }

void draw_labels(Image& sheet, const AttentionMap& map, const PanelPlan& plan, int x, int y,
                 bool first) {
  const int into = (plan.cell - kLetterHeight) / 2;
  for (size_t t = 0; plan.row_labels && first && t < map.queries.size(); ++t) {
    draw_text(sheet, x - 4 - text_width(map.queries[t]), y + static_cast<int>(t) * plan.cell + into,
              map.queries[t], kInk);
  }
  for (size_t s = 0; plan.column_labels && s < map.keys.size(); ++s) {
    draw_text_upwards(sheet, x + static_cast<int>(s) * plan.cell + into,
                      y + plan.height + 2 + text_width(map.keys[s]), map.keys[s], kInk);
  }
}

/// All panels of one map.
Image draw_map(const AttentionMap& map) {
  const PanelPlan plan = plan_of(map);
  const int L = static_cast<int>(map.layers.size()), H = static_cast<int>(map.heads());
  const std::string heading =
      fmt::format("{}: {} down, {} across", map.name, map.query_axis, map.key_axis);
  const int widest_text =
      std::max(text_width(heading) + kGap, plan.left + text_width(map.key_axis));
  Image sheet =
      blank_image(std::max(panel_left(plan, H), widest_text + kGap), panel_top(plan, L) - kTitle);
  draw_text(sheet, kGap, 8, heading, kInk);
  for (int layer = 0; layer < L; ++layer) {
    const int y = panel_top(plan, layer);
    for (int head = 0; head < map.heads(static_cast<size_t>(layer)); ++head) {
      const int x = panel_left(plan, head);
      const std::string both = fmt::format("layer {} head {}", layer, head);
      const std::string brief = fmt::format("{}.{}", layer, head);
      draw_text(sheet, x, y - 10, text_width(both) <= plan.width ? both : brief, kInk);
      paste(sheet,
            draw_head(map.layers[static_cast<size_t>(layer)][head], map.may_attend, plan.cell), x,
            y);
      draw_labels(sheet, map, plan, x, y, head == 0);
    }
    const int name = text_width(map.query_axis);
    draw_text_upwards(sheet, 6, y + std::max((plan.height + name) / 2, name), map.query_axis,
                      kQuiet);
    draw_text(sheet, plan.left, y + plan.height + plan.bottom - 9, map.key_axis, kQuiet);
  }
  return sheet;
}

std::string layer_file(const AttentionMaps& maps, const AttentionMap& map, size_t layer) {
  return (maps.maps.size() > 1 ? map.name + "-" : "") + fmt::format("layer-{}", layer);
}

bool is_map_file(const std::string& name) {
  const bool layer = name.find("layer-") != std::string::npos && name.ends_with(".png");
  return layer || name == kPage || name == kHeads || name == kRollout || name == kAllHeads ||
         is_system_name(name);
}

using WritePicture = std::function<void(const fs::path& name, const Image& image)>;

void write_layers(const AttentionMaps& maps, const AttentionMap& map, const WritePicture& write) {
  const int64_t side = std::max(map.may_attend.size(0), map.may_attend.size(1));
  const int cell = static_cast<int>(std::clamp<int64_t>(320 / side, 1, 16));
  const auto columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(map.heads()))));
  for (size_t layer = 0; layer < map.layers.size(); ++layer) {
    const std::string name = layer_file(maps, map, layer);
    std::vector<Image> heads;
    for (int64_t head = 0; head < map.heads(layer); ++head)
      heads.push_back(draw_head(map.layers[layer][head], map.may_attend, cell));
    write(name + ".png", contact_sheet(heads, columns));
    for (size_t head = 0; head < heads.size(); ++head)
      write(fs::path(kHeads) / fmt::format("{}-head-{}.png", name, head), heads[head]);
  }
}

/// From the class token, else the mean over all patches: [rows, columns].
torch::Tensor seen_patches(const AttentionMap& map, const torch::Tensor& weights) {
  const auto from = map.prefix > 0 ? weights[0] : weights.mean(0);  // [T]
  return from.slice(0, map.prefix).view({map.grid.rows, map.grid.columns});
}

void write_over_picture(const AttentionMaps& maps, const AttentionMap& map,
                        const WritePicture& write) {
  write(kRollout, draw_rollout(maps.picture, rollout_shares(map)));
  for (size_t layer = 0; layer < map.layers.size(); ++layer) {
    std::vector<Image> heads;
    for (int64_t head = 0; head < map.heads(layer); ++head)
      heads.push_back(tint_patches(maps.picture, seen_patches(map, map.layers[layer][head]), 168));
    write(fmt::format("picture-layer-{}.png", layer),
          contact_sheet(heads, static_cast<int>(std::min<int64_t>(map.heads(), 6))));
  }
}

}  // namespace

Image draw_head(const torch::Tensor& weights, const torch::Tensor& may_attend, int cell) {
  const auto T = static_cast<int>(weights.size(0)), S = static_cast<int>(weights.size(1));
  const auto shown = weights.to(torch::kFloat).clamp(0, 1).sqrt().contiguous();
  const auto visible = may_attend.contiguous();
  const auto count = static_cast<size_t>(shown.numel());
  Image image = heat_map({shown.data_ptr<float>(), count}, T, S, 0, 1, cell);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      if (visible.data_ptr<bool>()[(y / cell) * S + x / cell]) continue;
      std::copy(kMasked.begin(), kMasked.end(),
                image.rgb.begin() + (static_cast<ptrdiff_t>(y) * image.width + x) * 3);
    }
  }
  return image;
}

Image draw_all_heads(const AttentionMaps& maps) {
  std::vector<Image> parts;
  int width = 0, height = 0;
  for (const auto& map : maps.maps) {
    parts.push_back(draw_map(map));
    width = std::max(width, parts.back().width);
    height += parts.back().height;
  }
  Image sheet = blank_image(width, height);
  int y = 0;
  for (const auto& part : parts) {
    paste(sheet, part, 0, y);
    y += part.height;
  }
  return sheet;
}

torch::Tensor rollout_shares(const AttentionMap& map) {
  return seen_patches(map, attention_rollout(map.layers));
}

const AttentionMap* patches_of(const AttentionMaps& maps) {
  for (const auto& map : maps.maps)
    if (map.of_patches()) return &map;
  return nullptr;
}

void require_map_folder(const fs::path& folder) {
  require_output_folder(folder, "an attention map", [](const fs::directory_entry& entry) {
    return is_map_file(entry.path().filename().string());
  });
}

std::vector<fs::path> write_attention_map(const fs::path& folder, const std::string& page,
                                          const AttentionMaps& maps) {
  require_map_folder(folder);
  std::vector<fs::path> names = {kPage};
  write_folder(folder, [&](const fs::path& unfinished) {
    fs::create_directory(unfinished / kHeads);
    write_file(unfinished / kPage, page);
    const auto write = [&](const fs::path& name, const Image& image) {
      write_png(unfinished / name, image);
      names.push_back(name);
    };
    write(kAllHeads, draw_all_heads(maps));
    const auto* const patches = patches_of(maps);
    if (patches != nullptr && maps.picture.width > 0) write_over_picture(maps, *patches, write);
    for (const auto& map : maps.maps) write_layers(maps, map, write);
  });
  std::vector<fs::path> paths;
  for (const auto& name : names) paths.push_back(folder / name);
  return paths;
}

}  // namespace zoo
