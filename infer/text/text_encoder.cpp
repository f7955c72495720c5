#include "infer/text/text_encoder.h"

#include "models/pretrained/bert/bert_checkpoint.h"

namespace zoo {

TextEncoder load_text_encoder(const std::filesystem::path& folder, torch::Device device,
                              const std::string& attention, BertTask unnamed) {
  return load_text_model(
      folder,
      [&](const auto& path) {
        return load_bert(path, {.device = device, .attention = attention}, unnamed);
      },
      [](const BertTaskModelImpl& model) { return model.options.bert.vocab_size; });
}

}  // namespace zoo
