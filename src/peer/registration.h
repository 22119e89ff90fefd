// Peers into the registry: after this their kernels are variants like any other.
#pragma once

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/peer_spec.h"
#include "peer/connection.h"

namespace sb {

// A variant that somebody asks for: (operation, glob).
struct WantedVariant {
  std::string op;
  std::string glob;
};

// Starts the peer, asks what it has, and registers "name:kernel" for every operation that this
// program knows. A peer that can't be asked is registered under the globs of `wanted` that name
// it, so that its rows carry the reason. Returns what `env.json` shows of it.
nlohmann::json register_peer(const std::shared_ptr<Connection>& peer,
                             const std::vector<WantedVariant>& wanted);

// As register_peer, of a peer that nobody has to start: its rows would say `why`.
void register_unstarted(const PeerSpec& spec, const std::vector<WantedVariant>& wanted,
                        const std::string& why);

// "torch 2.9.1, python 3.11.7" from a reply to hello; empty if it gives none.
std::string versions_text(const nlohmann::json& hello);

}  // namespace sb
