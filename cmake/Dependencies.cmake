# Everything the zoo takes from others, declared once: read by the zoo's own build and, installed, by those who use it.
# scripts/bootstrap.sh installs the same list.
#
#   LibTorch 2.11+   tensors, autograd, fast matrix products        zoo::torch
#   fmt 12           text formatting (the copy that LibTorch ships) TransformerZoo::fmt (cmake/Fmt.cmake)
#   CLI11            command lines and recipe files                 zoo::cli11
#   nlohmann-json    config.json, tokenizer.json, metrics           zoo::json
#   SentencePiece    unigram and BPE tokenizers                     zoo::sentencepiece
#   Oniguruma        regular expressions that our own matcher lacks zoo::oniguruma
#   Highway          SIMD for every processor, at run time          zoo::highway
#   MeCab            words of Japanese for BLEU; can be missing     zoo::mecab
#   libedit          editing of lines that are typed; can be missing zoo::libedit
#   Gloo             headers alone; the library is in LibTorch; can be missing   zoo::gloo
#   libpng, libjpeg, zlib   picture files                           zoo::png, zoo::jpeg, zoo::zlib
#   GoogleTest, RapidCheck                                          tests only

# zoo_find_dependency(name): makes the imported target zoo::<name>. `zoo_missing` is then empty, or one line that says what
# is missing and how to get it.
macro(zoo_find_dependency name)
  set(zoo_missing "")
  if(NOT TARGET zoo::${name})
    if("${name}" STREQUAL "torch")
      zoo_find_torch()
    else()
      zoo_find_library(${name})
    endif()
  endif()
endmacro()

# A header-only or plain library without a CMake package: found by one header and, where named, its libraries.
function(zoo_find_library name)
  # header, Debian package, libraries
  set(cli11 CLI/CLI.hpp libcli11-dev)
  set(json nlohmann/json.hpp nlohmann-json3-dev)
  set(sentencepiece sentencepiece_processor.h libsentencepiece-dev sentencepiece sentencepiece_train)
  set(oniguruma oniguruma.h libonig-dev onig)
  set(highway hwy/highway.h libhwy-dev hwy)
  set(mecab mecab.h libmecab-dev mecab)
  set(libedit histedit.h libedit-dev edit)
  set(gloo gloo/config.h libgloo-dev)
  set(png png.h libpng-dev png)
  set(jpeg jpeglib.h libjpeg-dev jpeg)
  set(zlib zlib.h zlib1g-dev z)
  list(POP_FRONT ${name} header package)

  find_path(zoo_${name}_INCLUDE NAMES ${header})
  mark_as_advanced(zoo_${name}_INCLUDE)
  if(NOT zoo_${name}_INCLUDE)
    set(zoo_missing "${header} not found: run scripts/bootstrap.sh, or install ${package}" PARENT_SCOPE)
    return()
  endif()
  foreach(library IN LISTS ${name})
    find_library(zoo_${name}_${library} NAMES ${library})
    mark_as_advanced(zoo_${name}_${library})
    if(NOT zoo_${name}_${library})
      set(zoo_missing "library ${library} not found: run scripts/bootstrap.sh, or install ${package}" PARENT_SCOPE)
      return()
    endif()
    list(APPEND files "${zoo_${name}_${library}}")
  endforeach()
  add_library(zoo::${name} INTERFACE IMPORTED GLOBAL)
  target_include_directories(zoo::${name} SYSTEM INTERFACE "${zoo_${name}_INCLUDE}")
  target_link_libraries(zoo::${name} INTERFACE ${files})
  # libsentencepiece and libc10 both export a variable FLAGS_minloglevel, of 32 bytes and of 4. The first of the two on
  # the link line lends its own to the other. If that is libc10, sentencepiece writes over what follows there: among it
  # the flag that makes LibTorch abort, without memory, where it should throw. So sentencepiece goes first.
  if(name STREQUAL "sentencepiece" AND UNIX AND NOT APPLE)
    target_link_options(zoo::sentencepiece INTERFACE
      "SHELL:LINKER:--push-state,--no-as-needed ${zoo_sentencepiece_sentencepiece} LINKER:--pop-state")
  endif()
endfunction()

# Reads ZOO_LIBTORCH_VERSION, which names the version and, for an installed zoo, EXACT.
function(zoo_find_torch)
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
  list(PREPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_FUNCTION_LIST_DIR}")
  find_package(LibTorch ${ZOO_LIBTORCH_VERSION} MODULE)
  find_package(Threads)
  if(NOT LibTorch_FOUND OR NOT Threads_FOUND)
    list(GET ZOO_LIBTORCH_VERSION 0 version)
    set(zoo_missing "LibTorch ${version}, or threads, not found: run scripts/bootstrap.sh, or name a folder with \
-DZOO_LIBTORCH" PARENT_SCOPE)
    return()
  endif()
  set(LibTorch_VERSION "${LibTorch_VERSION}" PARENT_SCOPE)
  add_library(zoo::torch INTERFACE IMPORTED GLOBAL)
  target_compile_features(zoo::torch INTERFACE cxx_std_20)
  target_link_libraries(zoo::torch INTERFACE LibTorch::torch Threads::Threads)
  if(ZOO_CUDA AND TARGET LibTorch::cuda)
    target_link_libraries(zoo::torch INTERFACE LibTorch::cuda)
  elseif(ZOO_CUDA)
    set(zoo_missing "ZOO_CUDA is on, but ${LibTorch_ROOT}/lib has no libtorch_cuda: name a CUDA build of LibTorch with \
-DZOO_LIBTORCH" PARENT_SCOPE)
  endif()
endfunction()
