# The headers as others include them: copies under one folder zoo/, whose includes of each other begin with zoo/ as well, so
# that a user's own models/ or train/ collides with nothing.
#
# Included by a build: makes them for a project around the zoo, when it is configured.
# As a script: cmake -DZOO_SOURCE=<zoo> -DZOO_OUTPUT=<folder that gets zoo/> -P PublicHeaders.cmake

# Every header but those of kernels, which are compiled several times over or for a GPU.
function(zoo_list_public_headers source result)
  set(headers "")
  foreach(room IN ITEMS base app tokenizers models infer train)
    file(GLOB_RECURSE found RELATIVE "${source}" "${source}/${room}/*.h")
    list(APPEND headers ${found})
  endforeach()
  list(FILTER headers EXCLUDE REGEX "-inl\\.h$|^models/(attention/kernels|simd)/")
  set(${result} ${headers} PARENT_SCOPE)
endfunction()

function(zoo_copy_public_headers source output)
  zoo_list_public_headers("${source}" headers)
  foreach(header IN LISTS headers)
    file(READ "${source}/${header}" text)
    string(REGEX REPLACE "#include \"((base|app|tokenizers|models|infer|train)/[^\"]*)\"" "#include \"zoo/\\1\"" text "${text}")
    set(old "")
    if(EXISTS "${output}/zoo/${header}")
      file(READ "${output}/zoo/${header}" old)
    endif()
    if(NOT text STREQUAL old)
      file(WRITE "${output}/zoo/${header}" "${text}")
    endif()
  endforeach()
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  zoo_copy_public_headers("${ZOO_SOURCE}" "${ZOO_OUTPUT}")
  return()
endif()

get_property(_libraries GLOBAL PROPERTY ZOO_LIBRARIES)
foreach(_library IN LISTS _libraries)
  target_include_directories(${_library} INTERFACE "$<INSTALL_INTERFACE:include>")
endforeach()
if(NOT PROJECT_IS_TOP_LEVEL)
  zoo_copy_public_headers("${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/include")
  zoo_list_public_headers("${PROJECT_SOURCE_DIR}" _headers)
  list(TRANSFORM _headers PREPEND "${PROJECT_SOURCE_DIR}/")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_headers})
  foreach(_library IN LISTS _libraries)
    target_include_directories(${_library} INTERFACE "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>")
  endforeach()
endif()
