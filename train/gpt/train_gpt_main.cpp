// Trains a decoder-only language model (GPT-2: Radford et al. 2019; Llama's shape by options) on a
// text:
//   scripts/get_data.sh tinyshakespeare
//   train_gpt --config train/recipes/gpt-shakespeare-cpu.toml --out runs/shakespeare
#include "app/run_app.h"
#include "train/gpt/gpt_setup.h"

int main(int argc, char** argv) {
  return zoo::run_app("train_gpt", [&] {
    zoo::GptFamily family;
    return zoo::run_training(family, argc, argv);
  });
}
