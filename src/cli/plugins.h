// --plugin FILE: shared objects whose variants and operations register themselves as ours do.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"

namespace sb {

// --plugin FILE, repeatable.
void add_plugin_option(CLI::App* command, std::vector<std::string>& plugins);

// Loads each once in a process. Throws UsageError for what is no plugin, or was built against the
// headers of another program (cmake/softmax-benchConfig.cmake.in says how that shows).
void load_plugins(const std::vector<std::string>& files);

}  // namespace sb
