// Labels pictures with an image classifier:
//   classify_image --model DIR cat.png dog.jpg
//   classify_image --model DIR cat.png --page where.png
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/cli.h"
#include "app/figures/heat_map.h"
#include "app/figures/html.h"
#include "app/run_app.h"
#include "base/files.h"
#include "base/printable.h"
#include "infer/model_choice.h"
#include "infer/vision/image_labels.h"
#include "models/images/image.h"
#include "models/pretrained/format/safetensors.h"

namespace {

std::string json_line(const std::string& file, const std::vector<zoo::ImageLabel>& labels) {
  auto list = nlohmann::json::array();
  for (const auto& l : labels) list.push_back({{"label", l.label}, {"score", l.score}});
  const nlohmann::json line = {{"file", file}, {"labels", list}};
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string text_lines(const std::string& file, const std::vector<zoo::ImageLabel>& labels) {
  std::string text = file + "\n";
  for (const auto& l : labels)
    text += fmt::format("{:9.4f}  {}\n", zoo::printable(l.score), l.label);
  return text;
}

std::string rollout_page(const std::string& file, const std::vector<zoo::ImageLabel>& labels,
                         const zoo::Image& picture) {
  const std::string body = fmt::format(
      "<h1>{0}</h1>\n<p>Left: the picture as the model sees it. Right: the same, brighter "
      "where more of the answer came from (attention rollout).</p>\n"
      "<img src=\"{1}\" alt=\"attention rollout\">\n<pre>{2}</pre>\n",
      zoo::html_escape(file), zoo::png_data_uri(picture),
      zoo::html_escape(text_lines(file, labels)));
  return zoo::html_page(file, "img { max-width: 100%; }", body);
}

void write_rollout(const std::filesystem::path& path, const std::string& file,
                   const std::vector<zoo::ImageLabel>& labels, const zoo::Image& picture) {
  if (path.extension() == ".html")
    zoo::write_file(path, rollout_page(file, labels, picture));
  else
    zoo::write_png(path, picture);
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
    zoo::add_option(app, "Output", "json", as_json, "One JSON object a picture");
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
