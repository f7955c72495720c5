// Texts with a class each, and sentences with a tag a word: what a classifier is fine-tuned on.
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

/// Lines "label<TAB>text" or, in all of the file, "label<TAB>text a<TAB>text b"; empty lines are
/// skipped. Throws std::runtime_error that names file and line: another number of columns, a label
/// or text that is empty, and what read_text_lines() refuses.
std::vector<LabelledText> read_labelled_text(const std::filesystem::path& file);

struct TaggedSentence {
  std::vector<std::string> words, tags;  ///< as many tags as words
};

/// Lines "word<TAB>tag" or "word tag" as in the CoNLL shared tasks (Tjong Kim Sang & De Meulder
/// 2003, arXiv:cs/0306050, §2), an empty line between sentences. Throws std::runtime_error as
/// above.
std::vector<TaggedSentence> read_tagged_text(const std::filesystem::path& file);

}  // namespace zoo
