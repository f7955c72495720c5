# cmake -DBUILD=<the zoo's build> -DPREFIX=<folder> -P install.cmake: into an empty folder, since headers come and go.
file(REMOVE_RECURSE "${PREFIX}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}" COMMAND_ERROR_IS_FATAL ANY)
