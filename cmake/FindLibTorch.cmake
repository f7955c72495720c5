# Finds LibTorch for C++ programs: the torch wheel of PyPI or an official LibTorch folder.
#
# Why not the wheel's own TorchConfig.cmake: it insists on a CUDA toolkit that CMake 3.25 knows and stops where
# there is none, although a CPU program needs two libraries only.
#
# Reads:    ZOO_LIBTORCH (a folder with include/ and lib/), CMAKE_PREFIX_PATH, the environment variable LIBTORCH,
#           ZOO_LIBTORCH_HINT (what an installed zoo was built with) and the wheel in the zoo's .venv, in this order.
# Provides: LibTorch::torch, LibTorch::cuda (where the folder has it), LibTorch_VERSION, LibTorch_ROOT.

set(ZOO_LIBTORCH "" CACHE PATH "LibTorch folder (holds include/ and lib/); empty: search")

file(GLOB _libtorch_wheels
  "${CMAKE_CURRENT_LIST_DIR}/../.venv/lib/python3*/site-packages/torch"
  "${CMAKE_CURRENT_LIST_DIR}/../.venv/Lib/site-packages/torch")

find_path(LibTorch_ROOT
  NAMES include/torch/csrc/api/include/torch/torch.h
  HINTS ${ZOO_LIBTORCH}
  PATHS $ENV{LIBTORCH} ${ZOO_LIBTORCH_HINT} ${_libtorch_wheels}
  PATH_SUFFIXES libtorch torch
  DOC "LibTorch folder")
mark_as_advanced(LibTorch_ROOT)
if(ZOO_LIBTORCH AND NOT LibTorch_ROOT STREQUAL ZOO_LIBTORCH)
  set(LibTorch_ROOT "${ZOO_LIBTORCH}" CACHE PATH "LibTorch folder" FORCE)
endif()

find_library(LibTorch_C10_LIBRARY c10 HINTS "${LibTorch_ROOT}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_CPU_LIBRARY torch_cpu HINTS "${LibTorch_ROOT}/lib" NO_DEFAULT_PATH)
mark_as_advanced(LibTorch_C10_LIBRARY LibTorch_CPU_LIBRARY)

set(_libtorch_version_header "${LibTorch_ROOT}/include/torch/headeronly/version.h")
if(EXISTS "${_libtorch_version_header}")
  file(STRINGS "${_libtorch_version_header}" _libtorch_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+).*" "\\1.\\2.\\3"
    LibTorch_VERSION "${_libtorch_lines}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_ROOT
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE
    "Run scripts/bootstrap.sh, which installs it into .venv, or name a LibTorch folder: -DZOO_LIBTORCH=/path/to/libtorch")

if(LibTorch_FOUND AND NOT TARGET LibTorch::torch)
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LibTorch_C10_LIBRARY}")
  add_library(LibTorch::torch SHARED IMPORTED)
  set_target_properties(LibTorch::torch PROPERTIES
    IMPORTED_LOCATION "${LibTorch_CPU_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES
      "${LibTorch_ROOT}/include;${LibTorch_ROOT}/include/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES LibTorch::c10)
  find_library(LibTorch_CUDA_LIBRARY torch_cuda HINTS "${LibTorch_ROOT}/lib" NO_DEFAULT_PATH)
  find_library(LibTorch_C10_CUDA_LIBRARY c10_cuda HINTS "${LibTorch_ROOT}/lib" NO_DEFAULT_PATH)
  mark_as_advanced(LibTorch_CUDA_LIBRARY LibTorch_C10_CUDA_LIBRARY)
  if(LibTorch_CUDA_LIBRARY AND LibTorch_C10_CUDA_LIBRARY)
    # Registers itself with torch when loaded: no symbol of it is named, so the linker must be told to keep it.
    add_library(LibTorch::cuda INTERFACE IMPORTED)
    set_target_properties(LibTorch::cuda PROPERTIES INTERFACE_LINK_LIBRARIES
      "-Wl,--no-as-needed;${LibTorch_CUDA_LIBRARY};${LibTorch_C10_CUDA_LIBRARY};-Wl,--as-needed")
  endif()
endif()
