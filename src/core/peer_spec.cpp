#include "core/peer_spec.h"

#include <algorithm>
#include <cctype>

namespace sb {

bool PeerSpec::is_name(const std::string& text) {
  return !text.empty() && std::islower(static_cast<unsigned char>(text[0])) != 0 &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

}  // namespace sb
