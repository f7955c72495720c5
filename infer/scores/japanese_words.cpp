#include "infer/scores/japanese_words.h"

#include <fmt/format.h>

#include <stdexcept>

#include "infer/scores/score_text.h"

#if ZOO_MECAB
#include <mecab.h>

#include <filesystem>
#include <memory>
#endif

namespace zoo {

#if ZOO_MECAB
namespace {

/// The dictionary as it was published in 2007, and Debian's, which has one word more: the name of
/// an era that began in 2019.
constexpr unsigned kWords = 392126, kWordsWithReiwa = 392127;
constexpr std::string_view kReiwaBegins = "令", kReiwa = "令和";

std::string find_dictionary() {
  for (const char* folder :
       {"/var/lib/mecab/dic/ipadic-utf8", "/usr/lib/x86_64-linux-gnu/mecab/dic/ipadic-utf8",
        "/usr/lib/mecab/dic/ipadic", "/usr/local/lib/mecab/dic/ipadic",
        "/opt/homebrew/lib/mecab/dic/ipadic"}) {
    if (std::filesystem::exists(std::filesystem::path(folder) / "sys.dic")) return folder;
  }
  throw std::invalid_argument(
      "the BLEU tokenizer ja-mecab needs MeCab's IPA dictionary: install Debian's "
      "mecab-ipadic-utf8, as scripts/bootstrap.sh does");
}

class Tagger {
 public:
  Tagger() {
    const std::string folder = find_dictionary();
    // An empty file of settings: the user's own must not add words.
    model_.reset(MeCab::createModel(fmt::format("-r /dev/null -d {}", folder).c_str()));
    if (!model_) {
      throw std::invalid_argument(
          fmt::format("{}: MeCab cannot read this dictionary: {}", folder, MeCab::getLastError()));
    }
    const MeCab::DictionaryInfo& info = *model_->dictionary_info();
    if ((info.size != kWords && info.size != kWordsWithReiwa) || info.next != nullptr) {
      throw std::invalid_argument(
          fmt::format("{}: BLEU's ja-mecab is defined by the IPA dictionary of {} words, but this "
                      "one has {}: install Debian's mecab-ipadic-utf8",
                      folder, kWords, info.size));
    }
    tagger_.reset(model_->createTagger());
  }

  std::vector<std::u32string> words(const std::string& line) const {
    const std::unique_ptr<MeCab::Lattice> lattice(model_->createLattice());
    lattice->set_sentence(line.data(), line.size());
    // No other word has the two characters side by side: parting them takes the later word away.
    for (size_t at = line.find(kReiwa); at != std::string::npos; at = line.find(kReiwa, at + 1)) {
      lattice->set_boundary_constraint(at + kReiwaBegins.size(), MECAB_TOKEN_BOUNDARY);
    }
    if (!tagger_->parse(lattice.get())) {
      throw std::runtime_error(fmt::format("MeCab cannot read a line: {}", lattice->what()));
    }
    std::u32string apart;
    for (const MeCab::Node* node = lattice->bos_node(); node != nullptr; node = node->next) {
      (apart += to_code_points({node->surface, node->length})) += U' ';
    }
    return split_words(apart);  // a full-width space is a word to MeCab, and none to Python
  }

 private:
  std::unique_ptr<MeCab::Model> model_;
  std::unique_ptr<MeCab::Tagger> tagger_;
};

const Tagger& tagger() {
  static const Tagger tagger;
  return tagger;
}

}  // namespace

void require_japanese_words() { tagger(); }

std::vector<std::u32string> japanese_words(std::u32string_view line) {
  return tagger().words(to_utf8(line));
}

std::string japanese_signature() { return fmt::format("{}-IPA", MeCab::Model::version()); }

#else

void require_japanese_words() {
  throw std::invalid_argument(
      "the BLEU tokenizer ja-mecab needs MeCab, which was not there when this program was built: "
      "run scripts/bootstrap.sh, or install libmecab-dev and mecab-ipadic-utf8, and build again");
}

std::vector<std::u32string> japanese_words(std::u32string_view) {
  require_japanese_words();
  return {};
}

std::string japanese_signature() { return "IPA"; }

#endif

}  // namespace zoo
