// What the gate and the builds it compares say to each other: JSON, a line each.
//
//   worker    {"gate_protocol": 1, "version": "softmax-bench 0.1.0 (...)"}
//   parent    {"gate_protocol": 1, "parent": pid, "groups": [...]}
//   worker    {"groups": [[{"name", "why_skipped", "device"}, ...], ...], "without": {"cuda": why}}
//   parent    {"prepare": group, "cases": [...], "verify": true}
//   worker    {"fault": "..."} per case, in that order
//   parent    {"sample": case, "iterations": n, "warm_up": true}     the last one before those that
//   count worker    {"ns": 1234.5}
//
// In place of any reply: {"error": "..."}, and {"lost": "..."} where the process is of no use any
// more (a GPU's context is broken). What an older build does not send ("device", "without") or does
// not read ("warm_up", a group's "device") stands for a program of the CPU. A group goes over as
// words (operation, globs, parameters) and each build looks them up in its own registry, so that
// neither has to read the other's files and a build that lacks a variant simply has no such case.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "workload/workload.h"

namespace sb {

inline constexpr int kGateProtocol = 1;
inline constexpr const char* kGateWorker = "gate-worker";

// The groups of a plan as words. `filter` is the selection's regular expression, `device` its
// device or "all".
nlohmann::json gate_groups(const Plan& plan, const std::string& filter, const std::string& device);

// The worker's side: speaks on stdin and ChildProcess::kReplies until stdin ends.
int gate_worker_main();

}  // namespace sb
