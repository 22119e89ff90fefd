// External peers, as their users meet them: one that is right, and one for every way to be wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "program.h"
#include "report/csv.h"

namespace sb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFake = SB_SOURCE_DIR "/tests/peer/fake_peer.py";

std::string workload(const std::string& variants, const std::string& more = "") {
  return "name: w\nop: twice\nsweep: {n: [8]}\nvariants: [" + variants +
         "]\nrounds: 4\nmin_time: 0.0001\n" + more;
}

std::string peers(const std::string& lie, const std::string& more = "") {
  return std::string("peers: {fake: {command: [python3, ") + kFake + ", '" + lie + "']" + more +
         "}}\n";
}

struct Ran {
  Finished finished;
  std::map<std::string, Row> rows;  // by variant
};

Ran run(const Workspace& space, const std::string& yaml,
        const std::vector<std::string>& options = {}) {
  space.write("w.yaml", yaml);
  std::vector<std::string> arguments = {"run", "w.yaml", "--out", "o"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  Ran ran{.finished = space.run(arguments)};
  if (!std::filesystem::exists(space.path("o/results.csv"))) return ran;
  for (const Row& row : read_csv(space.path("o/results.csv")).rows) ran.rows[row.variant] = row;
  return ran;
}

TEST(Peer, TakesTurnsWithOurVariantsOnTheSameBytes) {
  const Workspace space;
  const Ran ran = run(space, workload("right, 'fake:right'", "baseline: right\n" + peers("")));
  EXPECT_EQ(ran.finished.exit_code, 0) << ran.finished.err;
  const Row& row = ran.rows.at("fake:right");
  EXPECT_THAT(row.status, ::testing::AnyOf("ok", "noisy")) << row.reason;
  EXPECT_EQ(row.verify, "pass");
  EXPECT_EQ(row.isa, "native");
  EXPECT_EQ(row.timer, "the peer's monotonic clock");
  EXPECT_EQ(row.samples, 4);
  EXPECT_EQ(row.baseline, "right@scalar");
  EXPECT_GT(row.speedup.value_or(0), 0);
  EXPECT_GT(row.time_median_ns.value_or(0), 0);
}

TEST(Peer, RowsAndEnvironmentCarryItsVersions) {
  const Workspace space;
  const Ran ran = run(space, workload("right, 'fake:right'", peers("")));
  EXPECT_THAT(ran.rows.at("fake:right").compiler, HasSubstr("fake 1.2.3, python 3."));
  EXPECT_THAT(ran.rows.at("right").compiler, Not(HasSubstr("fake")));
  const auto env = nlohmann::json::parse(space.read("o/env.json"));
  EXPECT_EQ(env["peers"]["fake"]["hello"]["versions"]["fake"], "1.2.3");
}

TEST(Peer, ColdSetsRotateThroughItsMemoryToo) {
  const Workspace space;
  const Ran ran = run(space, workload("right, 'fake:right'", "cache: cold\n" + peers("")),
                      {"--set", "n=1048576"});
  EXPECT_EQ(ran.finished.exit_code, 0) << ran.finished.err;
  EXPECT_THAT(ran.rows.at("fake:right").status, ::testing::AnyOf("ok", "noisy"));
}

TEST(Peer, StarLeavesOutItsKernels) {
  const Workspace space;
  space.write("w.yaml", workload("right*", peers("")));
  EXPECT_THAT(space.run({"run", "w.yaml", "--dry-run"}).out,
              AllOf(HasSubstr("w/twice/right@scalar"), Not(HasSubstr("fake:"))));
}

TEST(Peer, ComesFromTheCommandLineAndIntoTheCommandThatReproducesTheRow) {
  const Workspace space;
  const std::string peer = std::string("mine=python3 ") + kFake;
  const Ran ran = run(space, workload("right"), {"--peer", peer, "--variants", "mine:right"});
  EXPECT_EQ(ran.finished.exit_code, 0) << ran.finished.err;
  EXPECT_THAT(ran.rows.at("mine:right").repro, HasSubstr("--peer '" + peer + "'"));
}

TEST(Peer, RunsInIsolatedWorkers) {
  const Workspace space;
  const Ran ran = run(space, workload("right, aborts, 'fake:right', 'fake:dies'", peers("")),
                      {"--isolate", "case"});
  EXPECT_EQ(ran.rows.at("aborts").status, "crashed");
  EXPECT_EQ(ran.rows.at("fake:dies").status, "crashed");
  EXPECT_THAT(ran.rows.at("fake:right").status, ::testing::AnyOf("ok", "noisy"));
  EXPECT_EQ(ran.rows.at("fake:right").timer, "the peer's monotonic clock");
}

constexpr const char* kFiveLines = R"(
from softmax_bench_peer import kernel, serve
@kernel("empty", "mine", tensors="bytes")
def mine(x, y):
    y[:] = x
serve("mine")
)";

TEST(Peer, IsAScriptOfFiveLinesAnywhere) {
  const Workspace space;
  space.write("my_peer.py", kFiveLines);
  const Finished finished = space.run({"verify", "--peer", "python3 my_peer.py"}, {}, SB_PROGRAM);
  EXPECT_EQ(finished.exit_code, 0) << finished.out << finished.err;
}

TEST(Peer, IsBoundToItsCpusBehindAScriptToo) {
  const Workspace space;
  const std::string peer = std::string("fake=sh -c 'python3 ") + kFake + "; exit 0'";
  const Ran ran = run(space, workload("right"), {"--peer", peer, "--variants", "fake:bound"});
  EXPECT_EQ(ran.finished.exit_code, 0) << ran.rows.at("fake:bound").reason;
}

// --- what goes wrong costs its own row -----------------------------------------------------------

struct Wrong {
  const char* what;
  std::string kernel;  // of the fake
  std::string lie;     // its argument
  std::string status;
  std::string reason;
  int exit_code = 4;
  const char* timeout_s = "60";  // a machine at work may take seconds to start Python
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.what; }

class WrongPeer : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongPeer, CostsItsOwnRow) {
  const Wrong& wrong = GetParam();
  const Workspace space;
  const Ran ran =
      run(space, workload("right, 'fake:" + wrong.kernel + "'",
                          peers(wrong.lie, std::string(", timeout: ") + wrong.timeout_s)));
  EXPECT_EQ(ran.finished.exit_code, wrong.exit_code) << ran.finished.err;
  EXPECT_THAT(ran.rows.at("right").status, ::testing::AnyOf("ok", "noisy"));
  ASSERT_TRUE(ran.rows.contains("fake:" + wrong.kernel)) << ran.finished.err;
  const Row& row = ran.rows.at("fake:" + wrong.kernel);
  EXPECT_EQ(row.status, wrong.status);
  EXPECT_THAT(row.reason, HasSubstr(wrong.reason));
  EXPECT_FALSE(row.time_median_ns);
}

const Wrong kWrong[] = {
    {"Dies", "dies", "", "crashed", "signal 11"},
    {"DiesWhileTimed", "dies_later", "", "crashed", "exit status 3"},
    {"DiesAtHello", "right", "dies_at_hello", "crashed", "exit status 7"},
    {"Hangs", "hangs", "", "timeout", "did not answer run within 4 s", 4, "4"},
    {"HangsAtHello", "right", "hangs_at_hello", "timeout", "did not answer hello within 0.5 s", 4,
     "0.5"},
    {"Garbage", "right", "garbage", "crashed", "no JSON object: \"this is ? no JSON\""},
    {"EndlessLine", "right", "no_line_end", "crashed", "without an end of line"},
    {"WrongShape", "right", "shapes", "crashed", "takes y to be"},
    {"TooManyThreads", "right", "threads", "crashed", "uses 64 threads where 1 are allowed"},
    {"ImpossibleTime", "right", "time", "crashed", "says that"},
    {"NoTime", "right", "no_time", "crashed", "without the number ns"},
    {"WrongVersion", "right", "other_version", "skipped", "speaks protocol 999", 0},
    {"ErrorAtHello", "right", "error_at_hello", "crashed", "with the error \"no licence\""},
    {"NoKernels", "right", "no_kernels", "crashed", "key 'kernels' not found"},
    {"MissingLibrary", "right", "unavailable", "skipped", "the library is missing; get it", 0},
    {"WrongAnswer", "wrong", "", "incorrect", "expected", 3},
    {"WritesPastTheEnd", "past_the_end", "", "incorrect", "past the end of y", 3},
    {"Raises", "raises", "", "crashed", "ValueError: out of luck"},
    {"Unsupported", "unsupported", "", "skipped", "not on a Wednesday", 0},
};
INSTANTIATE_TEST_SUITE_P(Peers, WrongPeer, ::testing::ValuesIn(kWrong),
                         [](const auto& test) { return test.param.what; });

TEST(Peer, MissingProgramCostsItsRowsOnly) {
  const Workspace space;
  const Ran ran =
      run(space, workload("right, 'torch:*'", "peers: {torch: {command: [no_such_program]}}\n"));
  EXPECT_EQ(ran.finished.exit_code, 0) << ran.finished.err;
  EXPECT_EQ(ran.rows.at("torch:*").status, "skipped");
  EXPECT_EQ(ran.rows.at("torch:*").reason,
            "peer torch: no_such_program: cannot be started: No such file or directory");
}

TEST(Peer, OneKernelsDeathLeavesTheOthersOfTheProcessMeasured) {
  const Workspace space;
  const Ran ran =
      run(space, workload("'fake:right', 'fake:dies_later', 'fake:also_right'", peers("")));
  EXPECT_EQ(ran.finished.exit_code, 4);
  EXPECT_EQ(ran.rows.at("fake:dies_later").status, "crashed");
  EXPECT_EQ(ran.rows.at("fake:right").samples, 4) << ran.rows.at("fake:right").reason;
  EXPECT_EQ(ran.rows.at("fake:also_right").samples, 4) << ran.rows.at("fake:also_right").reason;
}

TEST(Peer, MayPrintWithoutSpoilingTheConversation) {
  const Workspace space;
  const Ran ran = run(space, workload("'fake:prints'", peers("")));
  EXPECT_EQ(ran.finished.exit_code, 0) << ran.rows.at("fake:prints").reason;
  EXPECT_THAT(ran.finished.err, HasSubstr("a library says something"));
}

TEST(Peer, StaysOnTheCpusThatItIsGiven) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one CPU: nowhere else to go";
  const Workspace space;
  const Ran ran = run(space, workload("'fake:wanders'", peers("")));
  EXPECT_EQ(ran.rows.at("fake:wanders").status, "crashed");
  EXPECT_THAT(ran.rows.at("fake:wanders").reason, HasSubstr("may run on CPU"));
}

TEST(Peer, IsWaitedForNoLongerThanACaseMayTake) {
  const Workspace space;
  const Ran ran = run(space, workload("right, 'fake:hangs'", peers("")), {"--timeout", "3"});
  EXPECT_EQ(ran.finished.exit_code, 4) << ran.finished.err;
  EXPECT_EQ(ran.rows.at("fake:hangs").status, "timeout");
  EXPECT_THAT(ran.rows.at("fake:hangs").reason, HasSubstr("did not answer run within 3 s"));
  EXPECT_THAT(ran.rows.at("right").status, ::testing::AnyOf("ok", "noisy"));
}

TEST(Peer, IsWaitedForNoLongerThanTheWorkloadSays) {
  const Workspace space;
  const Ran ran = run(space, workload("'fake:hangs'", "timeout: 3\n" + peers("")));
  EXPECT_THAT(ran.rows.at("fake:hangs").reason, HasSubstr("did not answer run within 3 s"));
}

// --- what is left of it --------------------------------------------------------------------------

template <typename Condition>
bool eventually(Condition holds) {
  for (int i = 0; i < 600 && !holds(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return holds();
}

// The number of the peer's process, once it hangs in its kernel.
pid_t hanging_peer(const Workspace& space) {
  const std::string word = "hanging: ";
  std::size_t at = std::string::npos;
  eventually([&] { return (at = space.read("stderr").find(word)) != std::string::npos; });
  return at == std::string::npos ? 0 : std::stoi(space.read("stderr").substr(at + word.size()));
}

bool is_gone(pid_t process) {
  return eventually([&] { return kill(process, 0) != 0 && errno == ESRCH; });
}

struct Stop {
  const char* what;
  int signal;
  const char* isolate;
  const char* lie = "";
};
void PrintTo(const Stop& stop, std::ostream* out) { *out << stop.what; }

class PeerOfAStoppedRun : public ::testing::TestWithParam<Stop> {};

TEST_P(PeerOfAStoppedRun, EndsWithIt) {
  const Stop& stop = GetParam();
  const Workspace space;
  space.write("w.yaml", workload("'fake:hangs'", peers(stop.lie)));
  const pid_t run = space.start({"run", "w.yaml", "--out", "o", "--isolate", stop.isolate});
  const pid_t peer = hanging_peer(space);
  EXPECT_GT(peer, 0) << space.read("stderr");
  kill(run, stop.signal);
  EXPECT_EQ(space.wait(run).exit_code, stop.signal == SIGINT ? 130 : 128 + stop.signal);
  EXPECT_TRUE(peer > 0 && is_gone(peer));
}

const Stop kStops[] = {
    {"CtrlC", SIGINT, "none"},
    {"CtrlCWithAWorker", SIGINT, "case"},
    {"Kill", SIGKILL, "none"},
    {"KillWithAWorker", SIGKILL, "case"},
    {"CtrlCBeforeAPeerWithoutOurModule", SIGINT, "none", "survivor"},
    {"CtrlCWithAWorkerBeforeAPeerWithoutOurModule", SIGINT, "case", "survivor"},
};
INSTANTIATE_TEST_SUITE_P(Signals, PeerOfAStoppedRun, ::testing::ValuesIn(kStops),
                         [](const auto& test) { return test.param.what; });

// --- in listings ---------------------------------------------------------------------------------

TEST(PeerListing, ShowsItsKernels) {
  const Workspace space;
  const Finished finished =
      space.run({"list", "variants", "--peer", std::string("mine=python3 ") + kFake});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("twice/mine:right@native"));
}

TEST(PeerListing, SaysWhatItsKernelsLack) {
  const Workspace space;
  const Finished finished = space.run(
      {"list", "variants", "--peer", std::string("mine=python3 ") + kFake + " unavailable"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("cannot run here: the library is missing; get it"));
}

TEST(PeerListing, OfAPeerThatCannotBeAskedIsAnError) {
  const Workspace space;
  const Finished finished = space.run({"list", "variants", "--peer", "mine=no_such_program"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err, HasSubstr("no_such_program: cannot be started"));
}

// --- the conformance test ------------------------------------------------------------------------

Finished conformance(const Workspace& space, const std::string& lie) {
  return space.run({"verify", "--peer", std::string("python3 ") + kFake + " " + lie}, {},
                   SB_PROGRAM);
}

TEST(PeerConformance, GoesThroughProtocolAndKernels) {
  const Workspace space;
  const Finished finished = conformance(space, "");
  EXPECT_THAT(finished.out, AllOf(HasSubstr("ok    hello says name, versions and kernels"),
                                  HasSubstr("ok    an unknown verb is refused"),
                                  HasSubstr("ok    run without prepare is refused"),
                                  HasSubstr("ok    bye ends it"),
                                  HasSubstr("ok    empty/peer:right@native goes through")));
}

TEST(PeerConformance, FindsTheKernelThatIgnoresItsOperandSets) {
  const Workspace space;
  const Finished finished = conformance(space, "");
  EXPECT_EQ(finished.exit_code, 1) << finished.out << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("FAIL  empty/peer:first_call_only@native goes through"));
}

TEST(PeerConformance, NamesTheLie) {
  const Workspace space;
  EXPECT_THAT(conformance(space, "no_kernels").out, HasSubstr("FAIL  hello"));
  EXPECT_THAT(conformance(space, "threads").out, HasSubstr("uses 64 threads"));
  EXPECT_THAT(conformance(space, "dies_at_hello").out, HasSubstr("exit status 7"));
}

constexpr const char* kAddsUpInFloat = R"(
import array, math
from softmax_bench_peer import kernel, serve

@kernel("softmax", "loose", tensors="bytes")
def loose(problem):
    cols = problem.params["cols"]
    def call(x, y):
        x, out = list(x.cast("f")), array.array("f")
        for begin in range(0, len(x), cols):
            e = [math.exp(v - max(x[begin:begin + cols])) for v in x[begin:begin + cols]]
            out.extend(v / sum(e) * (1 + 2.5e-6) for v in e)
        y[:] = memoryview(out).cast("B")
    return call

serve("loose")
)";

TEST(PeerConformance, HoldsALibraryToWhatLibrariesAreGranted) {
  const Workspace space;
  if (space.run({"list", "variants"}, {}, SB_PROGRAM).out.find("softmax/onednn") ==
      std::string::npos) {
    GTEST_SKIP() << "no library of softmax is built in, whose tolerance a peer could have";
  }
  space.write("loose.py", kAddsUpInFloat);
  const Finished finished = space.run({"verify", "--peer", "python3 loose.py"}, {}, SB_PROGRAM);
  EXPECT_EQ(finished.exit_code, 0) << finished.out << finished.err;
}

// --- errors of the user --------------------------------------------------------------------------

TEST(PeerErrors, NameFileLineAndCure) {
  const Workspace space;
  space.write("w.yaml", workload("right") + "peers: {Fake: {command: [a]}, b: {comand: [a]}}\n");
  const Finished finished = space.run({"run", "w.yaml"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err,
              AllOf(HasSubstr("w.yaml:7:9: peer name \"Fake\" must be of letters"),
                    HasSubstr("did you mean \"command\"?"), HasSubstr("peer b: needs a command")));
}

TEST(PeerErrors, AnUndefinedPeerIsAnErrorWithItsCure) {
  const Workspace space;
  space.write("w.yaml", workload("right, 'torch:*'"));
  const Finished finished = space.run({"run", "w.yaml"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err, AllOf(HasSubstr("no variant of twice matches \"torch:*\""),
                                  HasSubstr("--peer torch='CMD'")));
}

TEST(PeerErrors, AnOptionWithoutAName) {
  const Workspace space;
  space.write("w.yaml", workload("right"));
  const Finished finished = space.run({"run", "w.yaml", "--peer", "python3 peer.py"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_THAT(finished.err, HasSubstr("is not NAME='CMD'"));
}

}  // namespace
}  // namespace sb
