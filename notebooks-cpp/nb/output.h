// Where the output of a lesson goes: text to stdout, pictures to the notebook that runs the cells,
// to the notebook that is woven from a program's output, or to a folder.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace nb {

/// Something to see. `text` stands for it where there is nothing but text.
struct Display {
  std::string mime;  ///< "image/svg+xml", "image/png", "text/html"
  std::string data;
  std::string text;
};

/// In a program: prints `text`, and writes `data` to a file of the folder NB_PICTURES, if that is
/// set.
void display(const Display& what);
void print(std::string_view text);

/// Whether a notebook's kernel runs the cells.
bool in_notebook();

/// Called by woven programs where cell `number` of the notebook begins.
void begin_cell(int number);

}  // namespace nb

extern "C" {
/// Receives what display() shows: a JSON object of MIME types and data (base64 for image/png).
using NbSink = void (*)(const char* bundle, std::size_t size);
/// The kernel's host calls it once it has loaded the library.
void nb_set_sink(NbSink sink);
}
