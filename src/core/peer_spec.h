// An external peer as the user names it: a program that speaks the protocol of
// scripts/peers/README.md.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace sb {

struct PeerSpec {
  std::string name;                        // its kernels are the variants "name:..."
  std::vector<std::string> command;        // program and arguments
  std::map<std::string, std::string> env;  // on top of ours
  double timeout_s = 120;                  // for the answer to one request

  // Letters, digits, '-' and '_', a lower-case letter first.
  static bool is_name(const std::string& text);

  bool operator==(const PeerSpec&) const = default;
};

}  // namespace sb
