# One OBJECT library per folder: a static archive would drop objects that nothing refers to, and
# with them every self-registering variant.

add_library(sb_options INTERFACE)
target_include_directories(sb_options INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
target_link_libraries(sb_options INTERFACE OpenMP::OpenMP_CXX Threads::Threads)
target_compile_options(sb_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror
  -Wno-missing-field-initializers  # designated initialisers name what differs from the default
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # false alarms on std::string operator+ in g++ 12 (PR105651)
  # __builtin_FILE() of a registration gives a path from the root, whoever built it where.
  -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(SB_SANITIZE)
  target_compile_options(sb_options INTERFACE -fsanitize=${SB_SANITIZE} -fno-omit-frame-pointer -g1
                         -fno-sanitize-recover=undefined
                         -Wno-maybe-uninitialized)  # false alarms in <regex> (g++ 12, PR105562)
  target_link_options(sb_options INTERFACE -fsanitize=${SB_SANITIZE})
endif()

# What is tested or printed and never timed is compiled at a lower level, except where the level is 0.
set(sb_light $<$<NOT:$<CONFIG:Debug>>:-O1>)

# Headers (JSON's, GoogleTest's, CLI11's) and what is instantiated from them cost most of a file's
# compilation, so files that are never timed are compiled several at once. What is measured and what
# measures is compiled file by file. OFF for clang-tidy and to see that a file includes what it uses.
option(SB_TOGETHER "Compile files that are never timed several at once" ON)
# sb_compile_together(target [files...]): these files of it, or all.
function(sb_compile_together target)
  if(NOT SB_TOGETHER)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
  if(ARGN)
    set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
    set_source_files_properties(${ARGN} PROPERTIES UNITY_GROUP together)
  endif()
endfunction()

# Git commit, compiler and flags as generated/build_info.h, refreshed by every build.
add_custom_target(sb_build_info_file
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR}
          -DOUT=${PROJECT_BINARY_DIR}/generated/build_info.h
          "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
          "-DFLAGS=${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${CMAKE_BUILD_TYPE}}"
          "-DBUILD_TYPE=${CMAKE_BUILD_TYPE}" -DVERSION=${PROJECT_VERSION}
          -P ${PROJECT_SOURCE_DIR}/cmake/build_info.cmake
  BYPRODUCTS ${PROJECT_BINARY_DIR}/generated/build_info.h)
add_library(sb_build_info INTERFACE)
target_include_directories(sb_build_info INTERFACE ${PROJECT_BINARY_DIR}/generated)
add_dependencies(sb_build_info sb_build_info_file)

# What a plugin shares with the program is the headers of core; their hash is the ABI's name.
file(GLOB core_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/core/*.h)
set(hashes "${CMAKE_CXX_COMPILER_ID}")
foreach(header IN LISTS core_headers)
  file(SHA256 ${header} hash)
  string(APPEND hashes ${hash})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
endforeach()
string(SHA256 abi "${hashes}")
string(SUBSTRING ${abi} 0 12 abi)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/abi.h CONTENT
  "// Generated: a hash of the headers beside this file.
#pragma once
#define SB_ABI softmax_bench_abi_${abi}
#define SB_ABI_TEXT \"${abi}\"
")

set(sb_rooms "" CACHE INTERNAL "")
set(sb_families "" CACHE INTERNAL "")
set(sb_device_families "" CACHE INTERNAL "")

# sb_add_room(name libs...): src/<name>/*.cpp -> OBJECT library sb_<name>
function(sb_add_room name)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  if(NOT sources OR (name STREQUAL "testing" AND NOT SB_TESTS))
    return()
  endif()
  add_library(sb_${name} OBJECT ${sources})
  target_link_libraries(sb_${name} PUBLIC sb_options ${ARGN})
  if(NOT name STREQUAL "testing")
    set(sb_rooms "${sb_rooms};sb_${name}" CACHE INTERNAL "")
  endif()
  file(GLOB device_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cu)
  if(device_sources AND CMAKE_CUDA_COMPILER)
    sb_add_cuda(${name} ${device_sources})
    target_compile_definitions(sb_${name} PRIVATE SB_HAVE_CUDA=1)
    # Tests link rooms, and this one is not whole without its device code.
    set(sb_rooms "${sb_rooms};sb_cuda_${name};CUDA::cudart_static" CACHE INTERNAL "")
  endif()
endfunction()

# sb_add_cuda(name sources...): what nvcc compiles -> OBJECT library sb_cuda_<name>. A spill or local
# memory is an error.
function(sb_add_cuda name)
  add_library(sb_cuda_${name} OBJECT ${ARGN})
  target_include_directories(sb_cuda_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
  # CMake 3.25 drops CMAKE_CUDA_STANDARD 20 without a word.
  target_compile_options(sb_cuda_${name} PRIVATE -std=c++20
    "SHELL:-Xptxas --warn-on-spills,--warn-on-local-memory-usage,-Werror"
    -Xcompiler=-O1,-Wall,-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
  set_target_properties(sb_cuda_${name} PROPERTIES CUDA_STANDARD_REQUIRED OFF
                        CUDA_ARCHITECTURES "80-real;90-real;90-virtual")
endfunction()

# The CUDA runtime, for executables with objects made by nvcc; what these register with it before
# main is shown to src/ptx as well. Not libcuda: the program must start where no driver is installed.
function(sb_link_cuda target)
  target_link_libraries(${target} PRIVATE CUDA::cudart_static)
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
  if(NOT TARGET sb_ptx)
    return()
  endif()
  if(NOT TARGET sb_cuda_registration)
    add_library(sb_cuda_registration OBJECT ${PROJECT_SOURCE_DIR}/src/ptx/hooks/cuda_registration.cpp)
    target_link_libraries(sb_cuda_registration PUBLIC sb_options)
  endif()
  target_link_libraries(${target} PRIVATE sb_cuda_registration)
  target_link_options(${target} PRIVATE -Wl,--wrap=__cudaRegisterFatBinary,--wrap=__cudaRegisterFunction)
endfunction()

# PTX and machine code go into the program packed; src/ptx reads zstd, or what is not packed at all.
set(sb_fat_binary_compression --compress-mode=none)
if("ZSTD yes" IN_LIST sb_found)
  set(sb_fat_binary_compression --compress-mode=size)
endif()

# Kernels on fibers run under the memory checker: g++ calls a hook at every access of code compiled
# with -fsanitize=thread, and the hooks are ours (src/simt/hooks): ThreadSanitizer is not linked.
set(sb_checked "")
set(sb_hooks "")
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT SB_SANITIZE)
  # Lines, for addr2line. Optimised in every configuration: at -O0 g++ calls no hook where the result
  # of a call goes straight to memory, and the store would be missed.
  set(sb_checked $<$<CONFIG:Debug>:-O1> -fsanitize=thread -Wno-tsan -g1)
  set(sb_hooks sb_memory_hooks)
  add_library(sb_memory_hooks OBJECT ${PROJECT_SOURCE_DIR}/src/simt/hooks/memory_hooks.cpp)
  target_link_libraries(sb_memory_hooks PUBLIC sb_options)
endif()

# A .cu file is compiled twice: suites/<name>/*.cu -> OBJECT library sb_fibers_<name>, by the C++
# compiler; -> OBJECT library sb_cuda_<name>, by nvcc where a toolkit is found. A family's files are
# compiled as one: nvcc takes seven seconds for the headers alone, and kernels that files share are
# made once. So each has a namespace of its own, <file>_cu.
function(sb_add_device_code name)
  file(GLOB kernels CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/suites/${name}/*.cu)
  set(text "")
  foreach(kernel IN LISTS kernels)
    cmake_path(GET kernel FILENAME file)
    string(APPEND text "#include \"suites/${name}/${file}\"\n")
  endforeach()
  set(wrapper ${PROJECT_BINARY_DIR}/generated/simt/${name}.cpp)
  set(device_wrapper ${PROJECT_BINARY_DIR}/generated/cuda/${name}.cu)
  if(kernels)
    file(CONFIGURE OUTPUT ${wrapper} CONTENT "${text}" @ONLY)
    file(CONFIGURE OUTPUT ${device_wrapper} CONTENT "${text}" @ONLY)
  endif()
  if(kernels AND TARGET sb_simt)
    add_library(sb_fibers_${name} OBJECT ${wrapper})
    target_link_libraries(sb_fibers_${name} PUBLIC sb_options)
    target_compile_options(sb_fibers_${name} PRIVATE ${sb_light} ${sb_checked})
    set(sb_device_families "${sb_device_families};sb_fibers_${name}" CACHE INTERNAL "")
  endif()
  if(NOT kernels OR NOT CMAKE_CUDA_COMPILER)
    return()
  endif()
  sb_add_cuda(${name} ${device_wrapper})
  # Both architectures at a time: the file is long, and often the only one to wait for.
  target_compile_options(sb_cuda_${name} PRIVATE --threads=2 -lineinfo ${sb_fat_binary_compression})
  # The virtual ones are the PTX that src/ptx interprets.
  set_target_properties(sb_cuda_${name} PROPERTIES CUDA_ARCHITECTURES "80;90")
  if(TARGET sb_ptx)
    target_compile_definitions(sb_cuda_${name} PRIVATE SB_HAVE_PTX=1)
  endif()
  set(sb_device_families "${sb_device_families};sb_cuda_${name}" CACHE INTERNAL "")
endfunction()

# suites/<name>/*.cpp without the tests -> OBJECT library sb_family_<name>
function(sb_add_family name)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/suites/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  if(NOT sources)
    return()
  endif()
  sb_add_device_code(${name})
  add_library(sb_family_${name} OBJECT ${sources})
  target_link_libraries(sb_family_${name} PUBLIC sb_options hwy::hwy sb_xnnpack sb_onednn sb_fftw
                                                 sb_openblas)
  # Intrinsic headers and vector types trip these two; everything else stays an error.
  target_compile_options(sb_family_${name} PRIVATE -Wno-conversion -Wno-ignored-attributes
                                                   -fno-math-errno)
  list(FILTER sources INCLUDE REGEX "(_op|reference|fills|absent)\\.cpp$")  # never timed
  list(FILTER sources EXCLUDE REGEX "/backward_")  # operands of both passes have the same names
  if(sources)
    sb_compile_together(sb_family_${name} ${sources})
  endif()
  list(APPEND sb_families sb_family_${name})
  set(sb_families "${sb_families}" CACHE INTERNAL "")
endfunction()

# src/cli/*.cpp -> OBJECT library sb_cli -> the program, and the one that the tests of the command
# line run: with families that crash, hang and lie (tests/cli/fake_families.cpp) in place of ours.
function(sb_add_program)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_library(sb_cli OBJECT ${sources})
  target_compile_options(sb_cli PRIVATE ${sb_light})
  sb_compile_together(sb_cli)
  # The files that see CLI11, and the others.
  set_target_properties(sb_cli PROPERTIES UNITY_BUILD_MODE GROUP)
  set(others ${sources})
  list(FILTER sources INCLUDE REGEX "/(main|command_line|selection|peers|plugins|gate_worker|[a-z]+_command)\\.cpp$")
  list(REMOVE_ITEM others ${sources})
  set_source_files_properties(${sources} PROPERTIES UNITY_GROUP options)
  set_source_files_properties(${others} PROPERTIES UNITY_GROUP others)
  target_link_libraries(sb_cli PUBLIC sb_options CLI11::CLI11 fmt::fmt sb_build_info
                                      nlohmann_json::nlohmann_json ${CMAKE_DL_LIBS})
  target_compile_definitions(sb_cli PRIVATE SB_SOURCE_DIR="${PROJECT_SOURCE_DIR}")

  file(WRITE ${PROJECT_BINARY_DIR}/generated/none.cpp "")  # an executable needs a source of its own
  add_executable(softmax-bench ${PROJECT_BINARY_DIR}/generated/none.cpp)
  target_link_libraries(softmax-bench PRIVATE sb_cli ${sb_rooms} ${sb_families})
  # After these: of templates that both have, the one that is not instrumented is linked.
  target_link_libraries(softmax-bench PRIVATE ${sb_device_families} ${sb_hooks})
  if(CMAKE_CUDA_COMPILER)
    sb_link_cuda(softmax-bench)
  endif()
  set_target_properties(softmax-bench PROPERTIES ENABLE_EXPORTS ON  # plugins register themselves
                        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  if(SB_TESTS)
    add_executable(softmax-bench-fake ${PROJECT_SOURCE_DIR}/tests/cli/fake_families.cpp)
    target_link_libraries(softmax-bench-fake PRIVATE sb_cli ${sb_rooms})
    set_target_properties(softmax-bench-fake PROPERTIES LINKER_LANGUAGE CXX)
  endif()
endfunction()

# sb_add_tests(name objects... FILES files...): one gtest executable test_<name>
function(sb_add_tests name)
  cmake_parse_arguments(arg "" "" "FILES;LINK" ${ARGN})
  if(NOT arg_FILES)
    return()
  endif()
  add_executable(test_${name} ${arg_FILES})
  target_link_libraries(test_${name} PRIVATE ${arg_LINK} fmt::fmt nlohmann_json::nlohmann_json
                                             GTest::gtest GTest::gtest_main GTest::gmock)
  target_compile_options(test_${name} PRIVATE -Wno-conversion ${sb_light})
  set_target_properties(test_${name} PROPERTIES LINKER_LANGUAGE CXX)  # not nvcc
  target_compile_definitions(test_${name} PRIVATE SB_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(TARGET softmax-bench AND name STREQUAL "cli")
    target_compile_definitions(test_${name} PRIVATE
      SB_PROGRAM="$<TARGET_FILE:softmax-bench>" SB_FAKE_PROGRAM="$<TARGET_FILE:softmax-bench-fake>")
  endif()
endfunction()
