// Texts with a class, and sentences with a tag for each word: the data for fine-tuning a
// classifier.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace zoo {

struct LabelledText {
  std::string label;
  std::string a;
  std::optional<std::string> b = {};  ///< of a pair of texts
};

/// Lines "label<TAB>text" or, throughout the file, "label<TAB>text a<TAB>text b"; skips empty
/// lines. Throws std::runtime_error that names file and line: another number of columns, an empty
/// label or text, and the errors of read_text_lines().
std::vector<LabelledText> read_labelled_text(const std::filesystem::path& file);

struct TaggedSentence {
  std::vector<std::string> words, tags;  ///< as many tags as words
};

/// Lines "word<TAB>tag" or "word tag" as in the CoNLL shared tasks (Tjong Kim Sang & De Meulder
/// 2003, arXiv:cs/0306050, §2), an empty line between sentences. Throws std::runtime_error as
/// above.
std::vector<TaggedSentence> read_tagged_text(const std::filesystem::path& file);

}  // namespace zoo
