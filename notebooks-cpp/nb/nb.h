// What a cell of a lesson may call: claims that are checked, heat maps, curves and tables.
//
//   nb::claim("Var[q k] = d_k", variance, nb::near(64, 3));
//   nb::show(weights, {.title = "Head 1", .rows = "Query", .columns = "Key"});
//   nb::plot({{.label = "LSTM", .x = lengths, .y = norms}}, {.x = "length", .y = "gradient norm"});
#pragma once

#include "notebooks-cpp/nb/claim.h"
#include "notebooks-cpp/nb/figures.h"
#include "notebooks-cpp/nb/output.h"
