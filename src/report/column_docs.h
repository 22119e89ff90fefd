// The columns of results.csv in words: results/README.md is this text, and a test compares them.
#pragma once

#include <string>

namespace sb {

std::string columns_markdown();

}  // namespace sb
