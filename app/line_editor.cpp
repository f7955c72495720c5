#include "app/line_editor.h"

#include <iostream>
#include <string_view>
#include <utility>

#include "app/terminal.h"
#include "base/streams.h"
#include "base/text_file.h"

#if defined(ZOO_LIBEDIT)
#include <histedit.h>
#include <langinfo.h>
#include <unistd.h>

#include <clocale>
#endif

namespace zoo {

class LineEditor::Source {
 public:
  virtual ~Source() = default;
  virtual bool next(std::string& line) = 0;
};

class LineEditor::Plain final : public Source {
 public:
  explicit Plain(std::string prompt) : prompt_(std::move(prompt)) {}
  bool next(std::string& line) override {
    if (asks_) write_to_stderr(prompt_);
    const bool more = lines_.next(line);
    if (asks_ && !more) write_to_stderr("\n");
    return more;
  }

 private:
  std::string prompt_;
  bool asks_ = stdin_is_a_terminal();
  LineReader lines_{std::cin, "standard input"};
};

#if defined(ZOO_LIBEDIT)

namespace {

constexpr int kRemembered = 1000;  // lines

/// libedit reads characters as the locale says; a C++ program starts in one that has ASCII alone.
void read_utf8() {
  for (const char* name : {"", "C.UTF-8", "en_US.UTF-8"}) {
    if (std::setlocale(LC_CTYPE, name) != nullptr &&
        std::string_view(::nl_langinfo(CODESET)) == "UTF-8")
      return;
  }
}

}  // namespace

class LineEditor::Edited final : public Source {
 public:
  explicit Edited(std::string prompt) : prompt_(std::move(prompt)) {
    read_utf8();
    edit_ = ::el_init("zoo", stdin, stderr, stderr);
    history_ = ::history_init();
    HistEvent event;
    ::history(history_, &event, H_SETSIZE, kRemembered);
    ::history(history_, &event, H_SETUNIQUE, 1);
    ::el_set(edit_, EL_CLIENTDATA, this);
    ::el_set(edit_, EL_PROMPT, &Edited::prompt_of);
    ::el_set(edit_, EL_EDITOR, "emacs");
    ::el_set(edit_, EL_SIGNAL, 1);  // Ctrl-C gives the terminal back before it ends the program
    ::el_set(edit_, EL_HIST, &::history, history_);
    ::el_set(edit_, EL_BIND, "^I", "ed-insert", nullptr);
    ::el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    ::el_source(edit_, nullptr);  // ~/.editrc
  }
  ~Edited() override {
    ::history_end(history_);
    ::el_end(edit_);
  }
  Edited(const Edited&) = delete;
  Edited& operator=(const Edited&) = delete;

  bool next(std::string& line) override {
    write_to_stderr("");  // what stdout holds back comes before the question
    int count = 0;
    const char* const typed = ::el_gets(edit_, &count);
    if (typed == nullptr || count <= 0) {
      write_to_stderr("\n");
      return false;
    }
    line.assign(typed, static_cast<size_t>(count));
    while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
    HistEvent event;
    if (!is_blank_line(line)) ::history(history_, &event, H_ENTER, line.c_str());
    return true;
  }

 private:
  static char* prompt_of(EditLine* edit) {
    void* self = nullptr;
    ::el_get(edit, EL_CLIENTDATA, &self);
    return static_cast<Edited*>(self)->prompt_.data();
  }

  std::string prompt_;
  EditLine* edit_ = nullptr;
  History* history_ = nullptr;
};

namespace {
bool can_edit() { return stdin_is_a_terminal() && ::isatty(STDERR_FILENO) != 0; }
}  // namespace

LineEditor::LineEditor(std::string prompt) {
  if (can_edit())
    source_ = std::make_unique<Edited>(std::move(prompt));
  else
    source_ = std::make_unique<Plain>(std::move(prompt));
}

#else

LineEditor::LineEditor(std::string prompt) : source_(std::make_unique<Plain>(std::move(prompt))) {}

#endif

LineEditor::~LineEditor() = default;

bool LineEditor::next(std::string& line) { return source_->next(line); }

}  // namespace zoo
