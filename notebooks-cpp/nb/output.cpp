#include "notebooks-cpp/nb/output.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/files.h"

namespace nb {
namespace {

NbSink kernel_sink = nullptr;

/// Frames in a woven program's output: kind and content between bytes that no text has.
constexpr char kFrame = '\x1e', kSeparator = '\x1f';

bool is_woven() { return std::getenv("NB_WEAVE") != nullptr; }

void frame(std::string_view kind, std::string_view content) {
  std::cout << kFrame << kind << kSeparator << content << kFrame << std::flush;
}

std::string bundle_of(const Display& what) {
  const std::string data = what.mime == "image/png" ? zoo::encode_base64(what.data) : what.data;
  // A label may be half a character: a piece of a byte-level tokenizer.
  return nlohmann::json{{what.mime, data}, {"text/plain", what.text}}.dump(
      -1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

void write_picture(const Display& what) {
  const char* folder = std::getenv("NB_PICTURES");
  if (folder == nullptr) return;
  static int number = 0;
  const std::string_view suffix = what.mime == "image/png"       ? "png"
                                  : what.mime == "image/svg+xml" ? "svg"
                                                                 : "html";
  std::filesystem::create_directories(folder);
  zoo::write_file(std::filesystem::path(folder) / fmt::format("{:02}.{}", ++number, suffix),
                  what.data);
}

}  // namespace

void display(const Display& what) {
  if (kernel_sink != nullptr) {
    std::cout << std::flush;
    const std::string bundle = bundle_of(what);
    kernel_sink(bundle.data(), bundle.size());
  } else if (is_woven()) {
    frame("display", bundle_of(what));
  } else {
    write_picture(what);
    print(what.text + "\n");
  }
}

void print(std::string_view text) { std::cout << text << std::flush; }

bool in_notebook() { return kernel_sink != nullptr; }

void begin_cell(int number) {
  if (is_woven()) frame("cell", std::to_string(number));
}

}  // namespace nb

extern "C" void nb_set_sink(NbSink sink) { nb::kernel_sink = sink; }
