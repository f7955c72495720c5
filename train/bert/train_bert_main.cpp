// Trains a BERT (Devlin et al. 2018) or one of its relatives on the sentences of a text:
//   scripts/get_data.sh tinyshakespeare
//   train_bert --config train/recipes/bert-demo.toml --out runs/bert
//   fill_mask --model runs/bert "to be or not to [MASK]"
#include "app/run_app.h"
#include "train/bert/bert_training.h"

int main(int argc, char** argv) {
  return zoo::run_app("train_bert", [&] {
    zoo::BertTraining training;
    return zoo::run_training(training, argc, argv);
  });
}
