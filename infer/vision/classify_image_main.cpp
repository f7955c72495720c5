// Labels pictures with an image classifier:
//   classify_image --model DIR cat.png dog.jpg
//   classify_image --model DIR cat.png --page where.png
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/cli.h"
#include "app/figures/heat_map.h"
#include "app/figures/html.h"
#include "app/run_app.h"
#include "base/files.h"
#include "base/note.h"
#include "base/printable.h"
#include "infer/model_choice.h"
#include "infer/vision/image_labels.h"
#include "infer/vision/rollout_figure.h"
#include "models/images/image.h"
#include "models/pretrained/format/safetensors.h"

namespace {

std::string json_line(const std::string& file, const std::vector<zoo::ImageLabel>& labels) {
  auto list = nlohmann::json::array();
  for (const auto& l : labels) list.push_back({{"label", l.label}, {"score", l.score}});
  const nlohmann::json line = {{"input", file}, {"file", file}, {"labels", list}};
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string text_lines(const std::string& file, const std::vector<zoo::ImageLabel>& labels) {
  std::string text = file + "\n";
  for (const auto& l : labels)
    text += fmt::format("{:9.4f}  {}\n", zoo::printable(l.score), l.label);
  return text;
}

std::string rollout_page(const std::string& file, const std::vector<zoo::ImageLabel>& labels,
                         const zoo::Rollout& rollout) {
  std::string rows;
  for (const auto& l : labels) {
    rows += fmt::format(
        "<tr><td>{}</td><td>{:.4f}</td><td><i style=\"width:{:.1f}%\"></i></td></tr>\n",
        zoo::html_escape(l.label), zoo::printable(l.score), 100 * std::clamp(l.score, 0.0, 1.0));
  }
  constexpr std::string_view kStyle = R"(
.labels { max-width: 694px; margin-bottom: 16px; }
.labels td { overflow-wrap: anywhere; } .labels td:last-child { width: 55%; vertical-align: middle; }
.labels i { display: block; height: 10px; min-width: 1px; border-radius: 3px; background: var(--train); }
)";
  const std::string title = std::filesystem::path(file).filename().string();
  const std::string body = fmt::format(
      "<h1>{}</h1>\n<div class=\"card labels\"><table><thead><tr><th>Label</th><th>Score</th><th>"
      "</th></tr></thead><tbody>\n{}</tbody></table></div>\n<h2>Where the answer came from</h2>\n"
      "<p>Attention rollout: the shares of the patches in what the model reads last, over all "
      "layers and heads (Abnar &amp; Zuidema 2020).</p>\n{}",
      zoo::html_escape(title), rows, zoo::rollout_html(rollout.seen, rollout.shares));
  return zoo::html_page(title, std::string(zoo::rollout_style()) + std::string(kStyle), body);
}

void write_rollout(const std::filesystem::path& path, const std::string& file,
                   const std::vector<zoo::ImageLabel>& labels, const zoo::Rollout& rollout) {
  if (path.extension() == ".html")
    zoo::write_file(path, rollout_page(file, labels, rollout));
  else
    zoo::write_png(path, zoo::draw_rollout(rollout.seen, rollout.shares));
  zoo::note(fmt::format("page: {}", path.string()));
}

}  // namespace

int main(int argc, char** argv) {
  return zoo::run_app("classify_image", [&]() -> int {
    std::vector<std::string> files;
    std::filesystem::path rollout, pixel_values;
    zoo::ModelChoice model;
    int64_t top = 5;
    bool as_json = false;
    zoo::CommandLine app{"Labels pictures with an image classifier"};
    zoo::make_required(zoo::add_texts(app, "image", files, "PNG or JPEG files of any size"));
    zoo::add_model_options(app, model);
    zoo::add_option(app, "Output", "top", top, "Labels a picture");
    zoo::add_option(app, "Output", "json", as_json, "One JSON object a picture: input, labels");
    zoo::add_option(app, "Output", "page", rollout,
                    "Draw the attention rollout of one picture: a .png or .html file");
    zoo::add_option(app, "Output", "pixel-values", pixel_values,
                    "Write what the model reads, for the program forward: a .safetensors file");
    zoo::set_help(app, {"classify_image --model runs/mnist digit.png",
                        "classify_image --model runs/mnist --top 3 --page where.png digit.png"});
    zoo::parse(app, argc, argv);
    if (top < 1) throw zoo::UsageError("--top must be 1 or more");
    const auto ending = rollout.extension();
    if (!rollout.empty() && ending != ".png" && ending != ".html")
      throw zoo::UsageError("--page: the file must end in .png or .html");
    if (!rollout.empty() && files.size() > 1)
      throw zoo::UsageError("--page draws one picture: name one file");
    // Weights can be drawn only where the kernel forms them.
    if (!rollout.empty() && model.attention.empty()) model.attention = "matmul";

    const auto device = zoo::prepare(model);
    zoo::ImageLabeller labeller(model.folder, device, model.attention);
    std::vector<torch::Tensor> all;
    for (const auto& file : files) {
      const zoo::Image image = zoo::read_image(file);
      const auto pixels = labeller.pixel_values(image);
      const auto labels = labeller.label(pixels, top);
      std::cout << (as_json ? json_line(file, labels) : text_lines(file, labels)) << std::flush;
      if (!rollout.empty()) write_rollout(rollout, file, labels, labeller.rollout(image));
      if (!pixel_values.empty()) all.push_back(pixels);
    }
    if (!pixel_values.empty())
      zoo::write_safetensors(pixel_values, {{"pixel_values", torch::cat(all)}});
    return 0;
  });
}
