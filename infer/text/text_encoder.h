// A BERT and its tokenizer from one folder, for fill_mask, classify_text and search_sentences.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <string>

#include "infer/text_model.h"
#include "models/bert/bert_task.h"

namespace zoo {

using TextEncoder = TextModel<BertTaskModel>;

/// `unnamed`: the task whose head is used if config.json names no class. Throws std::runtime_error
/// with one line.
TextEncoder load_text_encoder(const std::filesystem::path& folder, torch::Device device,
                              const std::string& attention, BertTask unnamed = BertTask::kNone);

}  // namespace zoo
