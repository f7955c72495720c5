#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/14_unigram_viterbi/unigram_viterbi.h"

using namespace exercises;

static Unigram model_of(const Value& pieces, const Value& scores) {
  return {pieces.to<std::vector<std::string>>(), scores.toDoubleVector()};
}

EXERCISE_SHIM({"unknown_score",
               [](const Values& in) -> Value {
                 return unknown_score(model_of(in.at(0), in.at(1)));
               }},
              {"best_scores",
               [](const Values& in) -> Value {
                 return best_scores(in.at(0).toStringRef(), model_of(in.at(1), in.at(2)));
               }},
              {"best_split", [](const Values& in) -> Value {
                 return best_split(in.at(0).toStringRef(), model_of(in.at(1), in.at(2)));
               }})
