// One source with both headers named models/gpt/gpt.h: the project's own and the zoo's.
#include "models/gpt/gpt.h"

#include <zoo/models/gpt/gpt.h>
#include <zoo/models/pretrained/gpt/gpt_checkpoint.h>

#include <filesystem>
#include <iostream>

int main() {
  zoo::GptOptions options = zoo::GptOptions::tiny();
  options.layers = own::Gpt{}.layers;
  options.vocab_size = 11;
  zoo::Gpt model(options);
  model->eval();
  const torch::NoGradGuard no_grad;
  const auto tokens = torch::arange(8).unsqueeze(0);  // [1, 8]
  const auto logits = model(tokens);                  // [1, 8, 11]

  const std::filesystem::path folder = "saved";
  std::filesystem::create_directories(folder);
  zoo::save_gpt(model, folder);
  if (!torch::equal(zoo::load_gpt(folder)(tokens), logits)) {
    std::cerr << "the loaded model computes something else\n";
    return 1;
  }
  return 0;
}
