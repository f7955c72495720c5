// Text that rules can rewrite while it tracks which bytes of the user's text each byte comes from.
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

/// Text, and for each of its bytes the source span in the user's text. Spans cover whole
/// characters, as in the `tokenizers` package.
class AlignedText {
 public:
  AlignedText() = default;
  /// `text` starts at byte `begin` of the user's text. Without tracking, no spans are kept: for
  /// callers that need only ids.
  AlignedText(std::string_view text, size_t begin, bool tracked);

  const std::string& text() const { return text_; }
  bool tracked() const { return tracked_; }
  /// Where this text begins in the user's text; 0 is the very start.
  size_t begin() const { return begin_; }
  /// The bytes of the user's text that bytes [begin, end) of this one come from; needs tracking.
  /// The origin of an empty span is at the end of what precedes it.
  Span origin(size_t begin, size_t end) const;

  /// Replaces every ASCII character c by to[c], which is also ASCII; spans do not change.
  void map_ascii(const std::array<char, 128>& to);

  /// Bytes [begin, end) with their spans.
  AlignedText part(size_t begin, size_t end) const;

  /// Rewrites a text from start to end; the text changes when finish() is called. Each call
  /// consumes bytes of the old text, appends to the new one, or both. Keeping all of the text, or
  /// replacing characters by others of the same size, is cheap.
  class Editor {
   public:
    explicit Editor(AlignedText& text) : text_(text) {}
    /// The part of the old text that is not consumed yet.
    std::string_view rest() const { return std::string_view(text_.text_).substr(at_); }
    bool done() const { return at_ == text_.text_.size(); }
    /// Copies the next `size` bytes.
    void keep(size_t size) { at_ += size; }
    /// Drops the next `size` bytes.
    void skip(size_t size);
    /// Replaces the next `size` bytes (at least one) by one or more characters, which get the span
    /// of the first replaced character.
    void replace(size_t size, std::string_view with);
    /// Inserts characters with the span of the last character consumed from the old text, even if
    /// it was dropped.
    void insert(std::string_view characters);
    /// Inserts characters with the span of the next character of the old text.
    void insert_before(std::string_view characters);
    /// Size of the new text so far, in bytes.
    size_t size() const { return made_.size() + at_ - copied_; }
    void finish();

   private:
    void copy_kept();
    void copy_places(size_t begin, size_t end);
    void put(std::string_view characters, Span place);

    AlignedText& text_;
    size_t at_ = 0;      // position in the old text
    size_t copied_ = 0;  // [copied_, at_) is kept, but not copied yet
    std::string made_;
    bool moved_ = false;       // made_ and the old text no longer correspond byte by byte
    std::vector<Span> spans_;  // of made_, if moved_ and the text is tracked
  };

 private:
  std::string text_;
  size_t begin_ = 0;
  bool tracked_ = false;
  std::vector<Span> spans_;  // one per byte; empty until something changes
};

}  // namespace zoo
