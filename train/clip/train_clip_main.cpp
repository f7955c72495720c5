// Trains a CLIP (Radford et al. 2021), images and texts in one space, on pairs of them:
//   train_clip --config train/recipes/clip-shapes.toml --out runs/shapes
//   match_images --model runs/shapes --images FOLDER "a red circle"
#include "app/run_app.h"
#include "train/clip/clip_training.h"

int main(int argc, char** argv) {
  return zoo::run_app("train_clip", [&] {
    zoo::ClipTraining training;
    return zoo::run_training(training, argc, argv);
  });
}
