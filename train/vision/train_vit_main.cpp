// Trains a ViT (Dosovitskiy et al. 2020), or what it is measured against, to say what a picture
// shows:
//   scripts/get_data.sh mnist
//   train_vit --config train/recipes/vit-mnist.toml --out runs/vit
//   classify_image --model runs/vit digit.png
#include "app/run_app.h"
#include "train/vision/vit_training.h"

int main(int argc, char** argv) {
  return zoo::run_app("train_vit", [&] {
    zoo::VitTraining training;
    return zoo::run_training(training, argc, argv);
  });
}
