// A file that is there whole or not at all.
#pragma once

#include <string>

namespace sb {

// Writes beside `path` and renames. Throws std::runtime_error with the path and the system's
// reason; whatever was at `path` before is then still there, and nothing else is left behind.
void write_whole_file(const std::string& path, const std::string& content);

// Throws the same, before the work whose result is to go there.
void check_writable(const std::string& path);

}  // namespace sb
