# The CUDA kernels: one .cu file, compiled with nvcc where it is found, without torch and without CMake's own CUDA
# language (which wants a whole toolkit; the compiler from PyPI is three packages).
#
# Reads:    nvcc from the PATH, CUDA_HOME, /usr/local/cuda and <project>/.venv; ZOO_CUDA_ARCHITECTURES.
# Provides: zoo::cuda_kernels where nvcc and the CUDA runtime were found.

set(ZOO_CUDA_ARCHITECTURES "75;80;90" CACHE STRING "GPU generations that the CUDA kernels are compiled for")

file(GLOB _cuda_wheels "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/nvidia/cu13")
find_program(ZOO_NVCC nvcc HINTS ENV CUDA_HOME PATHS /usr/local/cuda ${_cuda_wheels} PATH_SUFFIXES bin)
find_library(ZOO_CUDART NAMES cudart libcudart.so.13 HINTS ENV CUDA_HOME PATHS /usr/local/cuda ${_cuda_wheels}
  PATH_SUFFIXES lib lib64)
find_path(ZOO_CUDA_INCLUDE cuda_runtime.h HINTS ENV CUDA_HOME PATHS /usr/local/cuda ${_cuda_wheels}
  PATH_SUFFIXES include)
# nvcc knows few compilers; g++ is one of them.
find_program(ZOO_CUDA_HOST_COMPILER NAMES g++ c++)
mark_as_advanced(ZOO_NVCC ZOO_CUDART ZOO_CUDA_INCLUDE ZOO_CUDA_HOST_COMPILER)

if(ZOO_NVCC AND ZOO_CUDART AND ZOO_CUDA_INCLUDE)
  set(_source "${PROJECT_SOURCE_DIR}/models/attention/kernels/cuda/launch.cu")
  set(_object "${PROJECT_BINARY_DIR}/cuda/launch.o")
  set(_flags -std=c++20 -O3 --expt-relaxed-constexpr -Xcompiler=-fPIC -ccbin "${ZOO_CUDA_HOST_COMPILER}")
  foreach(_architecture IN LISTS ZOO_CUDA_ARCHITECTURES)
    list(APPEND _flags "-gencode=arch=compute_${_architecture},code=sm_${_architecture}")
  endforeach()
  # Generations to come translate the last one's intermediate code.
  list(GET ZOO_CUDA_ARCHITECTURES -1 _last)
  list(APPEND _flags "-gencode=arch=compute_${_last},code=compute_${_last}")
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/cuda")
  add_custom_command(OUTPUT "${_object}"
    COMMAND "${ZOO_NVCC}" ${_flags} "-I${PROJECT_SOURCE_DIR}" "-I${ZOO_CUDA_INCLUDE}" -MD -MF "${_object}.d"
      -c "${_source}" -o "${_object}"
    DEPENDS "${_source}"
    DEPFILE "${_object}.d"
    COMMENT "Compiling the CUDA kernels"
    VERBATIM COMMAND_EXPAND_LISTS)
  # Shared, so that a build without a GPU links them as well: a symbol that is missing stops it here.
  add_library(zoo_cuda_kernels SHARED "${_object}")
  add_library(zoo::cuda_kernels ALIAS zoo_cuda_kernels)
  set_target_properties(zoo_cuda_kernels PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(zoo_cuda_kernels PRIVATE "${ZOO_CUDART}")
  target_link_options(zoo_cuda_kernels PRIVATE "LINKER:--no-undefined")
  message(STATUS "CUDA kernels: ${ZOO_NVCC}, architectures ${ZOO_CUDA_ARCHITECTURES}")
elseif(ZOO_CUDA)
  message(FATAL_ERROR "ZOO_CUDA is on, but no nvcc with the CUDA runtime was found: run scripts/bootstrap.sh --cuda")
endif()
