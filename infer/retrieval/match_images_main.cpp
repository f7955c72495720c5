// Finds pictures by words, and words for a picture, with a CLIP:
//   match_images --model runs/emoji-clip --images data/emoji/test "a red apple" --page found.png
//   match_images --model runs/emoji-clip --images photos --index photos.index "snow"
//   match_images --model runs/emoji-clip --image cat.png "a cat" "a dog" "a tree"
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/cli.h"
#include "app/figures/heat_map.h"
#include "app/figures/html.h"
#include "app/figures/letters.h"
#include "app/progress_bar.h"
#include "app/run_app.h"
#include "base/files.h"
#include "base/note.h"
#include "base/printable.h"
#include "base/text_file.h"
#include "infer/model_choice.h"
#include "infer/retrieval/clip_texts.h"
#include "infer/retrieval/image_index.h"
#include "infer/retrieval/image_text_encoder.h"
#include "models/images/image.h"
#include "models/images/resize.h"

namespace {

using namespace zoo;
namespace fs = std::filesystem;

struct Request {
  std::vector<std::string> texts, templates = {"{}"};
  fs::path images, index, image, texts_file, page;
  ModelChoice model;
  int64_t top = 5;
  bool json = false;
};

struct Found {
  std::string name;
  double score = 0.0;
};

void declare(CLI::App& app, Request& request) {
  add_texts(app, "text", request.texts, "What to look for, or the texts to choose from");
  add_model_options(app, request.model);
  add_option(app, "Input", "images", request.images, "Folder whose pictures are searched");
  add_option(app, "Input", "index", request.index,
             "File that keeps what was seen of them: only new and changed pictures are read; "
             "without --images the pictures of the file are searched");
  add_option(app, "Input", "image", request.image, "A picture that one of the texts describes");
  add_option(app, "Input", "file", request.texts_file, "More texts, one a line");
  add_option(app, "Input", "templates", request.templates,
             "Sentences around each text, {} in its place, whose embeddings are averaged");
  add_option(app, "Output", "top", request.top, "Answers to each text, or to the picture");
  add_option(app, "Output", "json", request.json,
             "One JSON object a text, or for the picture: input, matches");
  add_option(app, "Output", "page", request.page,
             "The pictures that were found, a row a text: a .png or .html file");
}

void check(const Request& request) {
  const bool searches = !request.images.empty() || !request.index.empty();
  if (searches == !request.image.empty()) {
    throw UsageError(
        "give a folder with --images (or an --index) to search, or one picture with --image to "
        "name");
  }
  if (request.top < 1) throw UsageError("--top must be 1 or more");
  if (request.texts.empty() && request.texts_file.empty())
    throw UsageError("give texts as arguments or with --file");
  try {
    check_sentences(request.templates);
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
  const auto ending = request.page.extension();
  if (!request.page.empty() && ending != ".png" && ending != ".html")
    throw UsageError("--page: the file must end in .png or .html");
  if (!request.page.empty() && !searches)
    throw UsageError("--page shows what was found in a folder; it needs --images");
}

std::vector<std::string> texts_of(const Request& request) {
  auto texts = request.texts;
  if (request.texts_file.empty()) return texts;
  const auto more = read_lines(request.texts_file);
  texts.insert(texts.end(), more.begin(), more.end());
  if (texts.empty())
    throw std::runtime_error(fmt::format("{}: holds no texts", request.texts_file.string()));
  return texts;
}

void print(const std::string& question, const std::vector<Found>& answers, bool json) {
  if (json) {
    auto list = nlohmann::json::array();
    for (const auto& answer : answers)
      list.push_back({{"match", answer.name}, {"score", answer.score}});
    const nlohmann::json line = {{"input", question}, {"query", question}, {"matches", list}};
    std::cout << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    return;
  }
  std::cout << question << '\n';
  for (const auto& answer : answers)
    std::cout << fmt::format("{:9.4f}  {}\n", zoo::printable(answer.score), answer.name);
}

/// scores [N] of `names`, the `top` best first.
std::vector<Found> best(const torch::Tensor& scores, const std::vector<std::string>& names,
                        int64_t top) {
  const auto [values, indices] = scores.topk(std::min(top, scores.size(0)));
  std::vector<Found> found;
  for (int64_t i = 0; i < values.size(0); ++i) {
    const auto at = static_cast<size_t>(indices[i].item<int64_t>());
    found.push_back({names[at], values[i].item<double>()});
  }
  return found;
}

constexpr int kThumbnail = 96;  // pixels

/// A small picture with the file's proportions.
Image thumbnail(const std::string& file) {
  const Image image = read_image(file);
  const double scale = static_cast<double>(kThumbnail) / std::max(image.width, image.height);
  const auto scaled = [&](int side) {
    return std::max(1, static_cast<int>(std::lround(side * scale)));
  };
  return resize(image, scaled(image.width), scaled(image.height), Resample::kBicubic);
}

/// In the middle of a white square.
Image squared(const Image& picture) {
  Image square = blank_image(kThumbnail, kThumbnail);
  paste(square, picture, (kThumbnail - picture.width) / 2, (kThumbnail - picture.height) / 2);
  return square;
}

void write_sheet(const fs::path& path, const std::vector<std::string>& texts,
                 const std::vector<std::vector<Found>>& rows) {
  if (path.extension() == ".png") {
    std::vector<Image> all;
    for (const auto& row : rows)
      for (const auto& found : row) all.push_back(squared(thumbnail(found.name)));
    write_png(path, contact_sheet(all, static_cast<int>(rows.front().size())));
    return;
  }
  std::string body =
      "<h1>Found pictures</h1>\n<p>Under each: the cosine of its embedding and the text's, and its "
      "file.</p>\n";
  for (size_t r = 0; r < rows.size(); ++r) {
    body += fmt::format("<h2>{}</h2>\n<div class=\"row\">", html_escape(texts[r]));
    for (const auto& found : rows[r]) {
      body += fmt::format(
          "<figure class=\"card\"><img src=\"{0}\" alt=\"{1}\"><figcaption><b>{2:.3f}</b><span "
          "title=\"{1}\">{3}</span></figcaption></figure>",
          png_data_uri(thumbnail(found.name)), html_escape(found.name), printable(found.score),
          html_escape(fs::path(found.name).filename().string()));
    }
    body += "</div>\n";
  }
  write_file(
      path,
      html_page(
          "Found pictures",
          ".row { display: flex; flex-wrap: wrap; gap: 10px; }\n"
          "figure { margin: 0; padding: 8px; width: 128px; text-align: center; }\n"
          "figure img { width: 96px; height: 96px; object-fit: contain; }\n"
          "figcaption b { display: block; } figcaption span { font-size: 12px; "
          "display: block; line-height: 1.25; overflow-wrap: anywhere; color: var(--muted); }\n",
          body));
}

/// Before all pictures are read for it.
void check_place(const fs::path& file) {
  const auto folder = fs::absolute(file).parent_path();
  if (!fs::is_directory(folder)) {
    throw std::runtime_error(fmt::format("--index {}: there is no folder {}; make it first",
                                         file.string(), folder.string()));
  }
}

/// The pictures to search: of the folder, of the index, or of both brought up to date.
ImageIndex open_index(ImageTextEncoder& encoder, const Request& request) {
  ImageIndex known;
  if (!request.index.empty()) check_place(request.index);
  if (!request.index.empty() && (request.images.empty() || fs::exists(request.index)))
    known = read_image_index(request.index);
  if (request.images.empty()) {
    if (made_by(known, encoder)) return known;
    throw std::runtime_error(fmt::format(
        "{}: another model made this index; name its pictures with --images to make it anew",
        request.index.string()));
  }
  std::optional<ProgressBar> bar;
  ImageIndex index;
  const auto keep = [&] {
    if (!request.index.empty() && !index.files.empty()) write_image_index(index, request.index);
  };
  try {
    index_pictures(encoder, request.images, known, index, [&](int64_t done, int64_t all) {
      if (!bar) bar.emplace("reading pictures", all);
      bar->update(done, "");
    });
  } catch (...) {
    keep();  // what was read need not be read again
    throw;
  }
  bar->finish();
  keep();
  return index;
}

void search(ImageTextEncoder& encoder, const std::vector<std::string>& texts,
            const Request& request) {
  const auto index = open_index(encoder, request);
  const auto cosines =
      encoder.encode_texts(texts, request.templates).matmul(index.embeddings.t());  // [M, N]
  std::vector<std::vector<Found>> rows;
  for (size_t m = 0; m < texts.size(); ++m) {
    rows.push_back(best(cosines[static_cast<int64_t>(m)], index.files, request.top));
    print(texts[m], rows.back(), request.json);
  }
  if (request.page.empty()) return;
  write_sheet(request.page, texts, rows);
  note(fmt::format("page: {}", request.page.string()));
}

void name_picture(ImageTextEncoder& encoder, const std::vector<std::string>& texts,
                  const Request& request) {
  const auto image = encoder.encode_image(read_image(request.image));
  const auto shares = encoder.probabilities(image, encoder.encode_texts(texts, request.templates));
  print(request.image.string(), best(shares[0], texts, request.top), request.json);
}

}  // namespace

int main(int argc, char** argv) {
  return run_app("match_images", [&] {
    Request request;
    zoo::CommandLine app{"Finds pictures by words, and words for a picture, with a CLIP",
                         "match_images"};
    declare(app, request);
    set_help(app, {"match_images --model runs/emoji-clip --images data/emoji/test \"a red apple\"",
                   "match_images --model runs/emoji-clip --image cat.png \"a cat\" \"a dog\""});
    parse(app, argc, argv);
    check(request);
    const auto device = prepare(request.model);
    const auto texts = texts_of(request);
    ImageTextEncoder encoder(request.model.folder, device, request.model.attention);
    if (!request.image.empty())
      name_picture(encoder, texts, request);
    else
      search(encoder, texts, request);
    return 0;
  });
}
