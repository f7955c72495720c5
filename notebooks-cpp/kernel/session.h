// How a cell of a notebook speaks with the process that runs it (host.cpp).
#pragma once
#include <cstddef>
#include <memory>
#include <type_traits>

#include "notebooks-cpp/kernel/cell.h"

extern "C" {
/// The variable that was kept under this name.
void* nb_find(const char* slot);
/// Keeps a variable for later cells. It stays where it is: the cell's function never returns.
void nb_keep(const char* slot, const char* text_with_type, void* address, std::size_t size);
/// The cell is over: reports it, and runs the cells to come.
void nb_cell_done();
/// In a handler: reports the exception as the end of the cell.
void nb_cell_failed();
}

namespace nb {

template <typename T>
void keep(const char* slot, T& variable) {
  if constexpr (!std::is_function_v<T>)
    nb_keep(slot, text_with_type<T>(),
            const_cast<void*>(static_cast<const volatile void*>(std::addressof(variable))),
            sizeof(T));
}

}  // namespace nb
