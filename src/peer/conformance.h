// Does a peer keep to the protocol? Asked what it must answer and what it must refuse, kernel by
// kernel; whether its answers are right on more shapes is the business of an ordinary verification.
#pragma once

#include <string>
#include <vector>

#include "core/plan.h"
#include "peer/connection.h"

namespace sb {

struct ConformanceCheck {
  std::string what;
  std::string fault;  // empty: passed
};

// The conversation itself: hello, what has to be refused, bye.
std::vector<ConformanceCheck> check_protocol(Connection& peer);

// A group's external variants on three operand sets with different inputs: after calls that begin
// with the second set and come round to it again, that set must hold its own right answer.
std::vector<ConformanceCheck> check_operand_sets(const Group& group);

}  // namespace sb
