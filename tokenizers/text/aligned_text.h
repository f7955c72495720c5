// A text on its way to a model: rules change it, and it still knows where each byte came from.
#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// Bytes [begin, end) of a text.
struct Span {
  size_t begin = 0, end = 0;
  bool operator==(const Span&) const = default;
};

/// Text, and for each of its bytes the span of the user's text that it stands for. Spans are those
/// of whole characters, as the `tokenizers` package counts them.
class AlignedText {
 public:
  AlignedText() = default;
  /// `text` as it lies at byte `begin` of the user's text. Without tracking no spans are kept: for
  /// callers that want ids alone.
  AlignedText(std::string_view text, size_t begin, bool tracked);

  const std::string& text() const { return text_; }
  bool tracked() const { return tracked_; }
  /// Where the text began in the user's: 0 is the very start.
  size_t begin() const { return begin_; }
  /// The bytes of the user's text behind bytes [begin, end) of this one; needs tracking. An empty
  /// span lies at the end of what comes before it.
  Span origin(size_t begin, size_t end) const;

  /// Every ASCII character c becomes to[c], ASCII as well; all keep their places.
  void map_ascii(const std::array<char, 128>& to);

  /// Bytes [begin, end) of it, with their places.
  AlignedText part(size_t begin, size_t end) const;

  /// Rewrites a text from its beginning to its end, one call after the other; the text changes when
  /// finish() is called. Each call takes bytes from the old text, puts some into the new one, or
  /// both. A text that is kept as a whole, or changed by characters of the same size, costs little.
  class Editor {
   public:
    explicit Editor(AlignedText& text) : text_(text) {}
    /// The old text from the place reached.
    std::string_view rest() const { return std::string_view(text_.text_).substr(at_); }
    bool done() const { return at_ == text_.text_.size(); }
    /// Copies the next `size` bytes.
    void keep(size_t size) { at_ += size; }
    /// Drops the next `size` bytes.
    void skip(size_t size);
    /// Puts one character (or more) in the place of the next `size` bytes (at least one), and gives
    /// it the place of the first character among them.
    void replace(size_t size, std::string_view with);
    /// Puts a character in front of what follows; it shares the place of the last character taken
    /// from the old text, dropped ones included.
    void insert(std::string_view characters);
    /// Puts a character in front of what follows; it shares the place of what comes next.
    void insert_before(std::string_view characters);
    /// Bytes of the new text so far.
    size_t size() const { return made_.size() + at_ - copied_; }
    void finish();

   private:
    void copy_kept();
    void copy_places(size_t begin, size_t end);
    void put(std::string_view characters, Span place);

    AlignedText& text_;
    size_t at_ = 0;      // place reached in the old text
    size_t copied_ = 0;  // from here to at_ it is kept, but not yet copied
    std::string made_;
    bool moved_ = false;       // made_ no longer lies byte by byte as the old text
    std::vector<Span> spans_;  // of made_, once it has moved and where the text is tracked
  };

 private:
  std::string text_;
  size_t begin_ = 0;
  bool tracked_ = false;
  std::vector<Span> spans_;  // one a byte; empty while nothing was changed
};

}  // namespace zoo
