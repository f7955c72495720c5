#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

using Vocabulary = std::vector<std::string>;

std::string longest_piece(const std::string& text, const Vocabulary& vocabulary,
                          const std::string& prefix);
std::vector<std::string> wordpiece(const std::string& word, const Vocabulary& vocabulary,
                                   const std::string& unknown, int64_t max_characters);
