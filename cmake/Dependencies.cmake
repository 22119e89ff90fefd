# Everything comes from distribution packages (scripts/bootstrap installs them); nothing is
# downloaded here. Required ones stop the configuration with the name of the Debian package.

find_package(OpenMP REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

function(sb_require package debian)
  find_package(${package} ${ARGN} QUIET)
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "${package} is missing: run scripts/bootstrap, or apt-get install ${debian}")
  endif()
endfunction()

sb_require(benchmark libbenchmark-dev CONFIG GLOBAL)
sb_require(CLI11 libcli11-dev CONFIG GLOBAL)
sb_require(fmt libfmt-dev CONFIG GLOBAL)
sb_require(yaml-cpp libyaml-cpp-dev CONFIG GLOBAL)
sb_require(nlohmann_json nlohmann-json3-dev CONFIG GLOBAL)
if(SB_TESTS)
  sb_require(GTest "libgtest-dev" GLOBAL)
endif()

# find_package inside a function makes imported targets local to it, except with GLOBAL (3.24).
pkg_check_modules(hwloc REQUIRED IMPORTED_TARGET GLOBAL hwloc)
add_library(hwloc::hwloc ALIAS PkgConfig::hwloc)
pkg_check_modules(hwy REQUIRED IMPORTED_TARGET GLOBAL libhwy)
add_library(hwy::hwy ALIAS PkgConfig::hwy)

# --- optional parts: an INTERFACE target each, empty when the part is absent ------------------

set(sb_found "" CACHE INTERNAL "")
set(SB_WITHOUT "" CACHE STRING
    "Optional parts to build without, found or not: XNNPACK;ONEDNN;FFTW;OPENBLAS;ZSTD;NVTX;CUPTI")

# sb_peer(NAME HEADER LIBS... [HINTS dirs]) -> target sb_<name>, define SB_HAVE_<NAME>
function(sb_peer name header)
  cmake_parse_arguments(arg "" "" "LIBS;HINTS" ${ARGN})
  string(TOLOWER ${name} lower)
  add_library(sb_${lower} INTERFACE)
  find_path(SB_${name}_INCLUDE ${header} HINTS ${arg_HINTS})
  set(found TRUE)
  if(NOT SB_${name}_INCLUDE OR name IN_LIST SB_WITHOUT)
    set(found FALSE)
  endif()
  foreach(lib IN LISTS arg_LIBS)
    find_library(SB_${name}_LIB_${lib} ${lib} HINTS ${arg_HINTS})
    if(SB_${name}_LIB_${lib})
      target_link_libraries(sb_${lower} INTERFACE ${SB_${name}_LIB_${lib}})
    else()
      set(found FALSE)
    endif()
  endforeach()
  if(found)
    target_include_directories(sb_${lower} SYSTEM INTERFACE ${SB_${name}_INCLUDE})
    target_compile_definitions(sb_${lower} INTERFACE SB_HAVE_${name}=1)
    list(APPEND sb_found "${name} yes")
  else()
    # Not half of it: a library without its header, or the other way round, is absent.
    set_property(TARGET sb_${lower} PROPERTY INTERFACE_LINK_LIBRARIES "")
    list(APPEND sb_found "${name} no")
  endif()
  set(sb_found "${sb_found}" CACHE INTERNAL "")
endfunction()

sb_peer(XNNPACK xnnpack.h LIBS XNNPACK pthreadpool cpuinfo)
sb_peer(ONEDNN dnnl.h LIBS dnnl)
sb_peer(FFTW fftw3.h LIBS fftw3f fftw3)
sb_peer(OPENBLAS openblas_config.h LIBS openblas
        HINTS /usr/include/x86_64-linux-gnu/openblas-pthread /usr/include/aarch64-linux-gnu/openblas-pthread)
sb_peer(ZSTD zstd.h LIBS zstd)

# NVTX3 is header-only: from the CUDA toolkit, or from a PyPI wheel that scripts/bootstrap unpacks.
add_library(sb_nvtx INTERFACE)
find_path(SB_NVTX3_INCLUDE nvtx3/nvToolsExt.h
          HINTS ${PROJECT_SOURCE_DIR}/.deps/nvtx/include /usr/local/cuda/include $ENV{CUDA_HOME}/include)
if(SB_NVTX3_INCLUDE AND NOT "NVTX" IN_LIST SB_WITHOUT)
  target_include_directories(sb_nvtx SYSTEM INTERFACE ${SB_NVTX3_INCLUDE})
  target_compile_definitions(sb_nvtx INTERFACE SB_HAVE_NVTX=1)
  target_link_libraries(sb_nvtx INTERFACE ${CMAKE_DL_LIBS})
  list(APPEND sb_found "NVTX yes")
else()
  list(APPEND sb_found "NVTX no")
endif()

include(CheckLanguage)
option(SB_CUDA "Build the CUDA variants when a toolkit is found" ON)
if(SB_CUDA)
  check_language(CUDA)
endif()
if(CMAKE_CUDA_COMPILER)
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  list(APPEND sb_found "CUDA yes")
else()
  list(APPEND sb_found "CUDA no")
endif()

# CUPTI's headers, of CUDA 12.6 or later; the library is loaded at run time.
add_library(sb_cupti INTERFACE)
if(CMAKE_CUDA_COMPILER)
  find_path(SB_CUPTI_INCLUDE cupti_range_profiler.h
            HINTS ${CUDAToolkit_INCLUDE_DIRS} ${CUDAToolkit_LIBRARY_ROOT}/extras/CUPTI/include)
endif()
if(SB_CUPTI_INCLUDE AND NOT "CUPTI" IN_LIST SB_WITHOUT)
  target_include_directories(sb_cupti SYSTEM INTERFACE ${SB_CUPTI_INCLUDE} ${CUDAToolkit_INCLUDE_DIRS})
  target_compile_definitions(sb_cupti INTERFACE SB_HAVE_CUPTI=1)
  target_link_libraries(sb_cupti INTERFACE ${CMAKE_DL_LIBS})
  list(APPEND sb_found "CUPTI yes")
else()
  list(APPEND sb_found "CUPTI no")
endif()

list(JOIN sb_found ", " sb_found_text)
message(STATUS "softmax-bench optional parts: ${sb_found_text}")
