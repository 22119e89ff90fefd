# `cmake --install` gives a working tree: the program finds share/softmax-bench beside its bin/.
include(GNUInstallDirs)
if(TARGET softmax-bench)
  install(TARGETS softmax-bench RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/softmax-bench OPTIONAL)
  install(FILES README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/softmax-bench)
endif()
