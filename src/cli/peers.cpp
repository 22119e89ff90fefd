#include "cli/peers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <wordexp.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>

#include "cli/command_line.h"
#include "cli/data_dir.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "peer/registration.h"

namespace sb {
namespace {

struct Started {
  PeerSpec spec;
  nlohmann::json described;
};

std::map<std::string, Started>& started() {
  static std::map<std::string, Started> all;
  return all;
}

void start(const PeerSpec& spec, const std::vector<WantedVariant>& wanted, double longest_case_s) {
  const auto before = started().find(spec.name);
  if (before != started().end()) {
    if (before->second.spec == spec) return;
    throw UsageError(fmt::format("peer \"{}\" is two programs in this run; rename one", spec.name));
  }
  const auto peer =
      std::make_shared<Connection>(ready_to_start(spec), &catch_interrupts(), longest_case_s);
  started()[spec.name] = {spec, register_peer(peer, wanted)};
}

std::vector<WantedVariant> wanted_by(const PeerMentions& mentions) {
  std::vector<WantedVariant> wanted;
  for (const auto& [op, word] : mentions.words) wanted.push_back({op, word});
  return wanted;
}

}  // namespace

PeerSpec ready_to_start(PeerSpec spec) {
  for (std::string& word : spec.command) {
    if (word.find('/') != std::string::npos) word = find_file(word);
  }
  std::string& python_path = spec.env["PYTHONPATH"];
  const char* inherited = std::getenv("PYTHONPATH");
  if (python_path.empty() && inherited != nullptr) python_path = inherited;
  if (!python_path.empty()) python_path += ':';
  python_path += data_dir() / "scripts" / "peers";
  return spec;
}

std::vector<std::string> split_command(const std::string& text) {
  wordexp_t words;
  if (wordexp(text.c_str(), &words, WRDE_NOCMD) != 0) {
    throw UsageError(
        fmt::format("--peer: \"{}\" is no command: quote what is special to a shell", text));
  }
  std::vector<std::string> split(words.we_wordv, words.we_wordv + words.we_wordc);
  wordfree(&words);
  if (split.empty()) throw UsageError("--peer: the command is empty");
  return split;
}

PeerSpec parse_peer(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  if (equals == std::string::npos || !PeerSpec::is_name(name)) {
    return {.command = split_command(text)};
  }
  return {.name = name, .command = split_command(text.substr(equals + 1))};
}

std::string option_text(const PeerSpec& peer) {
  std::string text = peer.name + "=";
  for (std::size_t i = 0; i < peer.command.size(); ++i) {
    text += (i == 0 ? "" : " ") + shell_quoted(peer.command[i]);
  }
  return text;
}

void add_peer_option(CLI::App* command, std::vector<PeerSpec>& peers) {
  twin(command
           ->add_option_function<std::vector<std::string>>(
               "--peer",
               [&peers](const std::vector<std::string>& texts) {
                 for (const std::string& text : texts) peers.push_back(parse_peer(text));
               },
               "An external peer: a program that speaks the protocol of scripts/peers/README.md; "
               "its kernels are the variants NAME:*")
           ->type_name("NAME=CMD")
           ->allow_extra_args(false));
}

void start_peers(const Selection& selection, const std::vector<std::string>& files) {
  for (const PeerSpec& spec : selection.peers) {
    if (!spec.name.empty()) continue;
    throw UsageError(
        fmt::format("--peer \"{}\" is not NAME='CMD', e.g. --peer mine='python3 "
                    "my_peer.py'",
                    fmt::join(spec.command, " ")));
  }
  std::vector<std::string> errors;
  const PeerMentions mentions = read_peers(files, selection.overrides, errors);
  if (!errors.empty()) throw UsageError(errors);
  const std::vector<WantedVariant> wanted = wanted_by(mentions);
  const double longest_s = mentions.longest_case_s > 0 ? mentions.longest_case_s
                                                       : std::numeric_limits<double>::infinity();
  for (const PeerSpec& spec : selection.peers) start(spec, wanted, longest_s);
  for (const PeerSpec& spec : mentions.peers) {
    const bool replaced =
        std::any_of(selection.peers.begin(), selection.peers.end(),
                    [&](const PeerSpec& option) { return option.name == spec.name; });
    if (!replaced) start(spec, wanted, longest_s);
  }
}

void start_all_of(const std::vector<PeerSpec>& peers) {
  start_peers({.peers = peers}, {});
  for (const auto& [name, peer] : started()) {
    if (!peer.described.contains("failure")) continue;
    throw UsageError("--peer: " + peer.described["failure"].get<std::string>());
  }
}

std::vector<std::string> mention_peers(const std::string& file) {
  std::vector<std::string> errors;
  const PeerMentions mentions = read_peers({file}, {}, errors);
  for (const PeerSpec& spec : mentions.peers) {
    register_unstarted(spec, wanted_by(mentions), "listed, not started");
  }
  return errors;
}

nlohmann::json started_peers() {
  nlohmann::json all = nlohmann::json::object();
  for (const auto& [name, peer] : started()) all[name] = peer.described;
  return all;
}

nlohmann::json to_json(const std::vector<PeerSpec>& peers) {
  nlohmann::json json = nlohmann::json::array();
  for (const PeerSpec& peer : peers) {
    json.push_back({{"name", peer.name}, {"command", peer.command}});
  }
  return json;
}

std::vector<PeerSpec> peers_from(const nlohmann::json& job) {
  std::vector<PeerSpec> peers;
  for (const auto& peer : job) {
    peers.push_back({.name = peer.at("name"), .command = peer.at("command")});
  }
  return peers;
}

}  // namespace sb
