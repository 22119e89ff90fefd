# `cmake --install` gives a working tree: the program finds share/softmax-bench beside its bin/, and
# find_package(softmax-bench) the headers that plugins are built against.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
if(NOT TARGET softmax-bench)
  return()
endif()
install(TARGETS softmax-bench RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
set(data ${CMAKE_INSTALL_DATADIR}/softmax-bench)
install(DIRECTORY configs DESTINATION ${data} OPTIONAL)
install(DIRECTORY scripts/peers DESTINATION ${data}/scripts USE_SOURCE_PERMISSIONS
        PATTERN __pycache__ EXCLUDE)
install(FILES README.md DESTINATION ${data})

set(headers ${CMAKE_INSTALL_INCLUDEDIR}/softmax-bench)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/softmax-bench)
install(DIRECTORY src/core DESTINATION ${headers} FILES_MATCHING PATTERN *.h)
install(FILES ${PROJECT_BINARY_DIR}/generated/abi.h DESTINATION ${headers})
install(FILES cmake/plugin_abi.cpp DESTINATION ${package})
configure_package_config_file(cmake/softmax-benchConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/generated/softmax-benchConfig.cmake
                              INSTALL_DESTINATION ${package}
                              PATH_VARS headers package CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/generated/softmax-benchConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/generated/softmax-benchConfig.cmake
              ${PROJECT_BINARY_DIR}/generated/softmax-benchConfigVersion.cmake
        DESTINATION ${package})
