# Everything the zoo takes from others, declared once. scripts/bootstrap.sh installs the same list.
#
#   LibTorch 2.11+   tensors, autograd, fast matrix products        zoo::torch
#   fmt 12           text formatting (the copy that LibTorch ships) zoo::fmt
#   CLI11            command lines and recipe files                 zoo::cli11
#   nlohmann-json    config.json, tokenizer.json, metrics           zoo::json
#   SentencePiece    unigram and BPE tokenizers                     zoo::sentencepiece
#   Oniguruma        regular expressions that our own matcher lacks zoo::oniguruma
#   Highway          SIMD for every processor, at run time          zoo::highway
#   MeCab            words of Japanese for BLEU; can be missing     zoo::mecab
#   libpng, libjpeg, zlib   picture files                           zoo::png, zoo::jpeg, zoo::zlib
#   GoogleTest, RapidCheck                                          tests only

find_package(LibTorch 2.11 REQUIRED MODULE)
find_package(Threads REQUIRED)

add_library(zoo_torch INTERFACE)
add_library(zoo::torch ALIAS zoo_torch)
target_compile_features(zoo_torch INTERFACE cxx_std_20)
target_link_libraries(zoo_torch INTERFACE LibTorch::torch Threads::Threads)
if(ZOO_CUDA)
  if(NOT TARGET LibTorch::cuda)
    message(FATAL_ERROR "ZOO_CUDA is on, but ${LibTorch_ROOT}/lib has no libtorch_cuda: name a CUDA build of LibTorch with -DZOO_LIBTORCH")
  endif()
  target_link_libraries(zoo_torch INTERFACE LibTorch::cuda)
endif()

# fmt: the wheel's headers, because a system library of another version does not go with LibTorch's. What of them need not
# be a template is compiled once: header-only, it is half the time of compiling most files.
if(LibTorch_HAS_FMT)
  # A folder of its own, so that programs without torch see fmt and none of torch's headers.
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/fmt-headers")
  file(CREATE_LINK "${LibTorch_ROOT}/include/fmt" "${PROJECT_BINARY_DIR}/fmt-headers/fmt" SYMBOLIC COPY_ON_ERROR)
  add_library(zoo_fmt STATIC "${PROJECT_SOURCE_DIR}/cmake/fmt.cpp")
  target_compile_features(zoo_fmt PUBLIC cxx_std_20)
  target_include_directories(zoo_fmt SYSTEM PUBLIC "${PROJECT_BINARY_DIR}/fmt-headers")
  set_target_properties(zoo_fmt PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden)
else()
  find_package(fmt 12 REQUIRED)
  add_library(zoo_fmt INTERFACE)
  target_link_libraries(zoo_fmt INTERFACE fmt::fmt)
endif()
add_library(zoo::fmt ALIAS zoo_fmt)
target_link_libraries(zoo_torch INTERFACE zoo::fmt)

# A header-only or plain library without a CMake package: found by one header and, where named, one library. With OPTIONAL
# there is no such target where the header is missing.
function(zoo_find_library alias header debian_package)
  cmake_parse_arguments(ARG "OPTIONAL" "" "LIBRARIES" ${ARGN})
  string(REPLACE "zoo::" "zoo_" target "${alias}")
  find_path(${target}_INCLUDE NAMES ${header})
  mark_as_advanced(${target}_INCLUDE)
  if(ARG_OPTIONAL AND NOT ${target}_INCLUDE)
    message(STATUS "${header} not found: install ${debian_package} for what needs it")
    return()
  endif()
  add_library(${target} INTERFACE)
  add_library(${alias} ALIAS ${target})
  if(NOT ${target}_INCLUDE)
    message(FATAL_ERROR "${header} not found: run scripts/bootstrap.sh, or install ${debian_package}")
  endif()
  target_include_directories(${target} SYSTEM INTERFACE "${${target}_INCLUDE}")
  foreach(library IN LISTS ARG_LIBRARIES)
    find_library(${target}_${library} NAMES ${library})
    mark_as_advanced(${target}_${library})
    if(NOT ${target}_${library})
      message(FATAL_ERROR "library ${library} not found: run scripts/bootstrap.sh, or install ${debian_package}")
    endif()
    target_link_libraries(${target} INTERFACE "${${target}_${library}}")
  endforeach()
endfunction()

zoo_find_library(zoo::cli11 CLI/CLI.hpp libcli11-dev)
zoo_find_library(zoo::json nlohmann/json.hpp nlohmann-json3-dev)
zoo_find_library(zoo::sentencepiece sentencepiece_processor.h libsentencepiece-dev
  LIBRARIES sentencepiece sentencepiece_train)
# libsentencepiece and libc10 both export a variable FLAGS_minloglevel, of 32 bytes and of 4. The first of the two on
# the link line lends its own to the other. If that is libc10, sentencepiece writes over what follows there: among it
# the flag that makes LibTorch abort, without memory, where it should throw. So sentencepiece goes first.
if(UNIX AND NOT APPLE)
  target_link_options(zoo_sentencepiece INTERFACE
    "SHELL:LINKER:--push-state,--no-as-needed ${zoo_sentencepiece_sentencepiece} LINKER:--pop-state")
endif()
zoo_find_library(zoo::oniguruma oniguruma.h libonig-dev LIBRARIES onig)
zoo_find_library(zoo::highway hwy/highway.h libhwy-dev LIBRARIES hwy)
zoo_find_library(zoo::mecab mecab.h libmecab-dev OPTIONAL LIBRARIES mecab)
zoo_find_library(zoo::png png.h libpng-dev LIBRARIES png)
zoo_find_library(zoo::jpeg jpeglib.h libjpeg-dev LIBRARIES jpeg)
zoo_find_library(zoo::zlib zlib.h zlib1g-dev LIBRARIES z)
