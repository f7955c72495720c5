// Short texts in pictures: names of axes, labels of rows and columns.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "base/image.h"

namespace zoo {

/// Pixels from one letter to the next, and of a line.
inline constexpr int kLetterWidth = 6, kLetterHeight = 7;

using Colour = std::array<uint8_t, 3>;

/// A picture of one colour.
Image blank_image(int width, int height, Colour colour = {255, 255, 255});

/// Copies `part` so that its upper left corner is at (x, y). Pixels outside are left out.
void paste(Image& image, const Image& part, int x, int y);

/// Pixels of a text: UTF-8, letters of one width.
int text_width(std::string_view text);

/// Draws a text whose upper left corner is at (x, y). Characters beyond ASCII and the signs of
/// token labels are boxes. Pixels outside the picture are left out.
void draw_text(Image& image, int x, int y, std::string_view text, Colour colour = {27, 34, 48});

/// The same turned to the left, for columns: reads from y upwards, its letters' feet to the right.
void draw_text_upwards(Image& image, int x, int y, std::string_view text,
                       Colour colour = {27, 34, 48});

}  // namespace zoo
