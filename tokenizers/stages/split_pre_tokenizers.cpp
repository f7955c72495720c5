#include "tokenizers/stages/split_pre_tokenizers.h"

#include <utility>

#include "tokenizers/stages/byte_alphabet.h"
#include "tokenizers/stages/split_patterns.h"
#include "tokenizers/text/unicode_scripts.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

// ---- Finders: the matches of a pattern in a word, from left to right (like Regex::Matches)

class CharacterFinder {
 public:
  explicit CharacterFinder(const CodePointSet& set) : set_(set) {}
  void restart(std::string_view text) {
    text_ = text;
    at_ = 0;
  }
  bool next(Span& match) {
    while (at_ < text_.size()) {
      const size_t begin = at_;
      const utf8::Character c = utf8::first(text_.substr(begin));
      at_ += c.size;
      if (!set_.contains(c.code)) continue;
      match = {begin, at_};
      return true;
    }
    return false;
  }

 private:
  const CodePointSet& set_;
  std::string_view text_;
  size_t at_ = 0;
};

class TextFinder {
 public:
  explicit TextFinder(std::string_view wanted) : wanted_(wanted) {}
  void restart(std::string_view text) {
    text_ = text;
    at_ = 0;
  }
  bool next(Span& match) {
    const size_t begin = text_.find(wanted_, at_);
    if (begin == std::string_view::npos) return false;
    at_ = begin + wanted_.size();
    match = {begin, at_};
    return true;
  }

 private:
  std::string_view wanted_, text_;
  size_t at_ = 0;
};

Regex::Matches finder(const Regex& regex) { return {regex, {}}; }
CharacterFinder finder(const CodePointSet& set) { return CharacterFinder(set); }
TextFinder finder(const std::string& text) { return TextFinder(text); }

// ---- Behaviours

/// Builds words from the consecutive spans of a word: matches, and the text between them.
class Cutter {
 public:
  Cutter(SplitBehaviour behaviour, std::vector<Span>& words)
      : behaviour_(behaviour), words_(words) {}

  void stretch(Span span, bool is_match) {
    if (behaviour_ == SplitBehaviour::kIsolated) return add(span);
    switch (behaviour_) {
      case SplitBehaviour::kRemoved:
        if (!is_match) add(span);
        return;
      case SplitBehaviour::kIsolated:
        break;
      case SplitBehaviour::kMergedWithPrevious:
        join(span, is_match && !was_match_);
        break;
      case SplitBehaviour::kMergedWithNext:
        join(span, !is_match && was_match_);
        break;
      case SplitBehaviour::kContiguous:
        join(span, is_match == was_match_);
        break;
    }
    was_match_ = is_match;
  }

  /// Call at the end of a word.
  void finish() {
    if (open_) add(*open_);
    open_.reset();
    was_match_ = false;
  }

 private:
  /// Extends the open word, or closes it and opens another.
  void join(Span span, bool with_open) {
    if (open_ && with_open) {
      open_->end = span.end;
      return;
    }
    if (open_) add(*open_);
    open_ = span;
  }

  void add(Span span) {
    if (span.begin < span.end) words_.push_back(span);
  }

  SplitBehaviour behaviour_;
  std::vector<Span>& words_;
  std::optional<Span> open_;
  bool was_match_ = false;
};

template <class Finder>
std::vector<Span> cut(const PreTokens& pre, Finder finder, SplitBehaviour behaviour, bool invert) {
  const std::string_view text = pre.text.text();
  std::vector<Span> words;
  words.reserve(text.size() / 3);
  Cutter cutter(behaviour, words);
  for (const Span& word : pre.words) {
    finder.restart(text.substr(word.begin, word.end - word.begin));
    size_t at = word.begin;
    for (Span match; finder.next(match); at = word.begin + match.end) {
      const size_t begin = word.begin + match.begin;
      if (at < begin) cutter.stretch({at, begin}, invert);
      cutter.stretch({begin, word.begin + match.end}, !invert);
    }
    if (at < word.end) cutter.stretch({at, word.end}, invert);
    cutter.finish();
  }
  return words;
}

class Split final : public PreTokenizer {
 public:
  explicit Split(SplitRule rule) : rule_(std::move(rule)) {}
  void apply(PreTokens& pre) const override {
    pre.words = std::visit(
        [&](const auto& pattern) {
          return cut(pre, finder(pattern), rule_.behaviour, rule_.invert);
        },
        rule_.pattern);
  }

 private:
  SplitRule rule_;
};

/// Calls cut(text, parts) for each word; `cut` appends the word's parts as spans of `text`.
template <class Cut>
void cut_words(PreTokens& pre, Cut cut) {
  std::vector<Span> words, parts;
  for (const Span& word : pre.words) {
    parts.clear();
    cut(std::string_view(pre.text.text()).substr(word.begin, word.end - word.begin), parts);
    for (const Span& part : parts)
      words.push_back({word.begin + part.begin, word.begin + part.end});
  }
  pre.words = std::move(words);
}

class FixedLength final : public PreTokenizer {
 public:
  explicit FixedLength(size_t length) : length_(length) {}
  void apply(PreTokens& pre) const override {
    cut_words(pre, [&](std::string_view text, std::vector<Span>& parts) {
      for (size_t at = 0, begin = 0; at < text.size(); begin = at) {
        for (size_t i = 0; i < length_ && at < text.size(); ++i) {
          at += utf8::first(text.substr(at)).size;
        }
        parts.push_back({begin, at});
      }
    });
  }

 private:
  size_t length_;
};

class UnicodeScripts final : public PreTokenizer {
 public:
  void apply(PreTokens& pre) const override {
    cut_words(pre, [](std::string_view text, std::vector<Span>& parts) {
      uint8_t last = 0;
      for (size_t at = 0; at < text.size();) {
        const utf8::Character c = utf8::first(text.substr(at));
        const uint8_t script = unicode::script_of(c.code);
        if (script != 0 && script != last) {
          if (!parts.empty()) parts.back().end = at;
          parts.push_back({at, text.size()});
          last = script;
        }
        at += c.size;
      }
    });
  }
};

// ---- Pre-tokenizers that also change the text

/// Calls edit(editor, word) for each word; `edit` must keep or replace all of it.
template <class Edit>
void edit_words(PreTokens& pre, Edit edit) {
  AlignedText::Editor editor(pre.text);
  size_t at = 0;
  for (Span& word : pre.words) {
    editor.keep(word.begin - at);
    at = word.end;
    const size_t begin = editor.size();
    edit(editor, word);
    word = {begin, editor.size()};
  }
  editor.finish();
}

class ByteLevel final : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex, WordsAs words)
      : add_prefix_space_(add_prefix_space), words_(words) {
    if (use_regex) split_ = make_split({.pattern = Regex(split_pattern("gpt2"))});
  }
  void apply(PreTokens& pre) const override {
    if (add_prefix_space_) {
      edit_words(pre, [](AlignedText::Editor& editor, const Span& word) {
        if (!editor.rest().starts_with(' ')) editor.insert_before(" ");
        editor.keep(word.end - word.begin);
      });
    }
    if (split_) split_->apply(pre);
    if (words_ == WordsAs::kBytes) return;
    edit_words(pre, [](AlignedText::Editor& editor, const Span& word) {
      write_in_byte_alphabet(editor, word.end - word.begin);
    });
  }
  bool makes_bytes() const override { return words_ == WordsAs::kBytes; }

 private:
  bool add_prefix_space_;
  WordsAs words_;
  std::unique_ptr<PreTokenizer> split_;
};

class Metaspace final : public PreTokenizer {
 public:
  explicit Metaspace(MetaspaceOptions options) : options_(std::move(options)) {
    if (options_.split) {
      split_ = make_split(
          {.pattern = options_.replacement, .behaviour = SplitBehaviour::kMergedWithNext});
    }
  }
  void apply(PreTokens& pre) const override {
    edit_words(pre, [&](AlignedText::Editor& editor, const Span& word) {
      const bool first = options_.prepend == PrependScheme::kFirst &&
                         pre.text.origin(word.begin, word.end).begin == 0;
      const bool has =
          editor.rest().starts_with(' ') || editor.rest().starts_with(options_.replacement);
      const bool wanted = options_.prepend == PrependScheme::kAlways || first;
      if (wanted && !has) editor.insert_before(options_.replacement);
      replace_spaces(editor, word.end - word.begin);
    });
    if (split_) split_->apply(pre);
  }

  bool looks_at_places() const override { return options_.prepend == PrependScheme::kFirst; }

 private:
  void replace_spaces(AlignedText::Editor& editor, size_t size) const {
    while (size > 0) {
      const size_t run = std::min(editor.rest().substr(0, size).find(' '), size);
      editor.keep(run);
      size -= run;
      if (size == 0) return;
      editor.replace(1, options_.replacement);
      --size;
    }
  }

  MetaspaceOptions options_;
  std::unique_ptr<PreTokenizer> split_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_split(SplitRule rule) {
  return std::make_unique<Split>(std::move(rule));
}

std::unique_ptr<PreTokenizer> make_byte_level(bool add_prefix_space, bool use_regex,
                                              WordsAs words) {
  return std::make_unique<ByteLevel>(add_prefix_space, use_regex, words);
}

std::unique_ptr<PreTokenizer> make_fixed_length(size_t length) {
  return std::make_unique<FixedLength>(length);
}

std::unique_ptr<PreTokenizer> make_unicode_scripts() { return std::make_unique<UnicodeScripts>(); }

std::unique_ptr<PreTokenizer> make_metaspace(MetaspaceOptions options) {
  return std::make_unique<Metaspace>(std::move(options));
}

}  // namespace zoo
