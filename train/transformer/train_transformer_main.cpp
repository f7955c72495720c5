// Trains an encoder-decoder (Vaswani et al. 2017) on pairs of texts, or on a task that needs no
// data:
//   train_transformer --config train/recipes/transformer-reverse.toml --out runs/reverse
//   scripts/get_data.sh en-fr
//   train_transformer --config train/recipes/transformer-en-fr.toml --out runs/en-fr
#include "app/run_app.h"
#include "train/transformer/transformer_training.h"

int main(int argc, char** argv) {
  return zoo::run_app("train_transformer", [&] {
    zoo::TransformerTraining training;
    return zoo::run_training(training, argc, argv);
  });
}
