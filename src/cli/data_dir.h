// Where this program's files are, wherever it is run from.
#pragma once

#include <filesystem>
#include <string>

namespace sb {

// The folder that holds configs/: $SOFTMAX_BENCH_DATA, or next to the program in an install tree
// (../share/softmax-bench), or above it in a build tree. Empty if there is none.
const std::filesystem::path& data_dir();

std::filesystem::path program_path();

// A file as named from here; failing that, as named from data_dir(). The name itself if neither.
std::string find_file(const std::string& name);

// A name that find_file() understands everywhere: relative to data_dir() where it lies below it,
// else absolute.
std::string portable_name(const std::string& file);

}  // namespace sb
