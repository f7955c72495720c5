#include "notebooks-cpp/exercises/grader/use.h"
#include "models/layers/own_layers.h"
#include "notebooks-cpp/exercises/06_sinusoidal_positions/sinusoidal_positions.h"

EXERCISE_USE(exercises::own<zoo::OwnSinusoidalTable>("sinusoidal_table", &sinusoidal_table))
