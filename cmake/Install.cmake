# cmake --install: static libraries, headers under include/zoo, and the package TransformerZoo for find_package.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(_package "${CMAKE_INSTALL_LIBDIR}/cmake/TransformerZoo")

get_property(_libraries GLOBAL PROPERTY ZOO_LIBRARIES)
set(ZOO_COMPONENTS "")
foreach(_library IN LISTS _libraries ITEMS zoo_fmt)
  string(REGEX REPLACE "^zoo_" "" _name ${_library})
  set_target_properties(${_library} PROPERTIES EXPORT_NAME ${_name})
  install(TARGETS ${_library} EXPORT TransformerZooTargets)
  list(APPEND ZOO_COMPONENTS ${_name})
endforeach()
if(ZOO_CUDA)
  set_target_properties(zoo_cuda_kernels PROPERTIES EXPORT_NAME cuda_kernels)
  install(TARGETS zoo_cuda_kernels EXPORT TransformerZooTargets)
endif()
install(EXPORT TransformerZooTargets NAMESPACE TransformerZoo:: DESTINATION "${_package}")

install(CODE "
  execute_process(COMMAND \"${CMAKE_COMMAND}\" \"-DZOO_SOURCE=${PROJECT_SOURCE_DIR}\"
    \"-DZOO_OUTPUT=\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/include\" -P \"${PROJECT_SOURCE_DIR}/cmake/PublicHeaders.cmake\"
    COMMAND_ERROR_IS_FATAL ANY)")
if(EXISTS "${PROJECT_BINARY_DIR}/fmt-headers")
  install(DIRECTORY "${LibTorch_ROOT}/include/fmt" DESTINATION include/zoo/external)
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/TransformerZooConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/package/TransformerZooConfig.cmake" INSTALL_DESTINATION "${_package}"
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/TransformerZooConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/package/TransformerZooConfig.cmake"
  "${PROJECT_BINARY_DIR}/package/TransformerZooConfigVersion.cmake" "${PROJECT_SOURCE_DIR}/cmake/Dependencies.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindLibTorch.cmake" DESTINATION "${_package}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
