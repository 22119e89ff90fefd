// External peers on the command line: --peer, and starting those of files and options.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/selection.h"
#include "core/peer_spec.h"

namespace sb {

// --peer NAME='CMD', repeatable.
void add_peer_option(CLI::App* command, std::vector<PeerSpec>& peers);

// "NAME=CMD" -> a peer, without a name for "CMD"; the command is split into words as a shell would.
// Throws UsageError.
PeerSpec parse_peer(const std::string& text);
std::string option_text(const PeerSpec& peer);  // and back

// Words as a shell would split them, without running anything. Throws UsageError.
std::vector<std::string> split_command(const std::string& text);

// Words that name a file of ours mean it wherever the program is run from, and Python finds the
// module softmax_bench_peer wherever the peer's script is.
PeerSpec ready_to_start(PeerSpec spec);

// Starts all peers of the options and the files and registers their kernels, once in a process;
// files mean the same peer with the same name. Throws UsageError if they do not.
void start_peers(const Selection& selection, const std::vector<std::string>& files);

// As start_peers, for a listing: throws UsageError for a peer that can't be asked what it has.
void start_all_of(const std::vector<PeerSpec>& peers);

// Registers the peers of a file without starting them, so that their names are known; its errors.
std::vector<std::string> mention_peers(const std::string& file);

nlohmann::json started_peers();  // for env.json: command, versions, what went wrong

nlohmann::json to_json(const std::vector<PeerSpec>& peers);
std::vector<PeerSpec> peers_from(const nlohmann::json& job);

}  // namespace sb
