// Shapes for the tests of device code.
#pragma once

#include <map>
#include <string>

namespace sb::tensor_bleu {

using Given = std::map<std::string, std::string>;

inline Given batch(int b, int s, int refs, int vocab, const Given& more = {}) {
  Given params = {{"b", std::to_string(b)},
                  {"s", std::to_string(s)},
                  {"refs", std::to_string(refs)},
                  {"vocab", std::to_string(vocab)}};
  for (const auto& [name, value] : more) params[name] = value;
  return params;
}

}  // namespace sb::tensor_bleu
