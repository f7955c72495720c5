// Trains a decoder-only language model on a text, or on a task that needs no data:
//   scripts/get_data.sh tinyshakespeare
//   train_gpt --config train/recipes/gpt-shakespeare-cpu.toml --out runs/shakespeare
//   generate --model runs/shakespeare "ROMEO:"
#include "app/run_app.h"
#include "train/gpt/gpt_training.h"

int main(int argc, char** argv) {
  return zoo::run_app("train_gpt", [&] {
    zoo::GptTraining training;
    return zoo::run_training(training, argc, argv);
  });
}
