#include "workload/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "core/registry.h"

namespace sb {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// An operation with an integer, a choice and a rule, so that every kind of error can be made.
class Toy final : public Operation {
 public:
  std::string_view name() const override { return "softmax"; }
  std::string_view formula() const override { return "y = x"; }
  std::vector<ParamSpec> params() const override {
    return {{.name = "rows", .doc = "rows", .max = 1000000},
            {.name = "cols", .doc = "columns", .max = std::int64_t{1} << 40},
            {.name = "causal",
             .doc = "mask",
             .choices = {"none", "top_left"},
             .default_value = "none"}};
  }
  std::vector<Dtype> dtypes() const override { return {Dtype::kF32, Dtype::kBf16}; }
  std::string why_not(const Problem& problem) const override {
    return problem.params.integer("cols") % 2 == 0 ? "" : "cols must be even";
  }
  std::vector<TensorSpec> tensors(const Problem& p) const override {
    const std::vector<std::int64_t> dims = {p.params.integer("rows"), p.params.integer("cols")};
    return {{.name = "x", .dtype = p.dtype, .dims = dims},
            {.name = "y", .dtype = p.dtype, .dims = dims, .role = Role::kOutput}};
  }
  Cost cost(const Problem&) const override { return {}; }
  std::vector<std::string> fills() const override { return {"ascending"}; }
  std::vector<Expected> reference(const Problem&, const Operands&) const override { return {}; }
  std::vector<Mutant> mutants() const override { return {}; }
};

const Registration toy{std::make_unique<Toy>()};
const Registration three_pass{Variant{.op = "softmax", .name = "three_pass", .isa = Isa::kScalar}};
const Registration two_pass{Variant{.op = "softmax", .name = "two_pass", .isa = Isa::kScalar}};
const Registration two_pass_avx2{Variant{.op = "softmax", .name = "two_pass", .isa = Isa::kAvx2}};
const Registration two_pass_cuda{
    Variant{.op = "softmax", .name = "two_pass", .isa = Isa::kCuda, .device = Device::kCuda}};

class WorkloadFile : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() /
           ("sb_workload_" + std::to_string(getpid()) + "_" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(dir_);
    std::filesystem::current_path(dir_);
  }
  void TearDown() override {
    std::filesystem::current_path("/");
    std::filesystem::remove_all(dir_);
  }

  static std::string write(const std::string& text, const std::string& name = "w.yaml") {
    std::ofstream(name, std::ios::binary) << text;
    return name;
  }
  static Plan plan(const std::string& text, const Overrides& overrides = {},
                   Limits limits = {.threads = 4, .memory_bytes = 8e9}) {
    return plan_workloads({write(text)}, overrides, limits);
  }
  static std::vector<std::string> errors(const std::string& text, const Overrides& overrides = {}) {
    return plan(text, overrides).errors;
  }
  static std::vector<std::string> params(const Plan& plan) {
    std::vector<std::string> all;
    for (const PlannedGroup& planned : plan.groups)
      all.push_back(planned.group.problem.params.text());
    return all;
  }

 private:
  std::filesystem::path dir_;
};

constexpr const char* kPlain = "name: w\nop: softmax\nsweep: {rows: [1], cols: [8, 16]}\n";

TEST_F(WorkloadFile, BecomesOneGroupPerPointOfTheSweep) {
  const Plan p = plan(
      "name: w\nop: softmax\ndtype: [f32, bf16]\nsweep: {rows: [1, 2], cols: 8}\n"
      "variants: [\"two*\"]\nbaseline: two_pass\nthreads: [1, all]\ncache: [warm, cold]\n"
      "fill: normal(0, 4)\nseed: 9\nrounds: 7\nmin_time: 0.5\ntimeout: 3\n");
  ASSERT_THAT(p.errors, IsEmpty());
  ASSERT_THAT(p.groups, SizeIs(2 * 2 * 2 * 2));
  const Group& last = p.groups.back().group;
  EXPECT_EQ(last.problem.dtype, Dtype::kBf16);
  EXPECT_EQ(last.problem.params.text(), "cols=8;rows=2");
  EXPECT_EQ(last.problem.threads, 4);
  EXPECT_EQ(last.cache, CacheState::kCold);
  EXPECT_EQ(last.fill.text(), "normal(0,4)");
  EXPECT_EQ(last.seed, 9u);
  EXPECT_EQ(last.rounds, 7);
  EXPECT_EQ(last.min_time_s, 0.5);
  EXPECT_EQ(last.timeout_s, 3);
  EXPECT_THAT(last.variants, SizeIs(3));
}

TEST_F(WorkloadFile, ExpandsRangesByFactorAndByStepIncludingTheEnd) {
  EXPECT_THAT(params(plan("name: w\nop: softmax\n"
                          "sweep: {rows: [1], cols: {from: 4, to: 64, factor: 4}}\n")),
              ElementsAre("cols=4;rows=1", "cols=16;rows=1", "cols=64;rows=1"));
  EXPECT_THAT(params(plan("name: w\nop: softmax\n"
                          "sweep: {rows: [1], cols: {from: 2, to: 7, step: 2}}\n")),
              ElementsAre("cols=2;rows=1", "cols=4;rows=1", "cols=6;rows=1"));
}

TEST_F(WorkloadFile, MayHoldSeveralWorkloadsInAList) {
  const Plan p = plan(
      "- {name: a, op: softmax, sweep: {rows: [1], cols: [8]}}\n"
      "- {name: b, op: softmax, sweep: {rows: [1], cols: [8]}}\n");
  EXPECT_THAT(p.errors, IsEmpty());
  EXPECT_THAT(p.groups, SizeIs(2));
}

TEST_F(WorkloadFile, NamesAllOnceWhenTheMachineHasOneThread) {
  const Plan p = plan(std::string(kPlain) + "threads: [1, all]\n", {}, {.threads = 1});
  EXPECT_THAT(p.groups, SizeIs(2));
}

struct Wrong {
  const char* what;
  std::string text;
  std::string error;  // its beginning
};

void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.what; }

// Each line: a file with one thing wrong, and where and how the error says so.
const std::vector<Wrong>& wrong_files() {
  static const std::string head = "name: w\nop: softmax\n";
  static const std::string sweep = "sweep: {rows: [1], cols: [8]}\n";
  static const std::string w = head + sweep;
  static const std::vector<Wrong> all = {
      {"Op", "name: w\nop: sofmax\n" + sweep,
       "w.yaml:2:5: unknown op \"sofmax\"; did you mean \"softmax\"?"},
      {"NoOp", "name: w\n" + sweep, "w.yaml:1:1: a workload needs an op"},
      {"NoName", "op: softmax\n" + sweep, "w.yaml:1:1: a workload needs a name"},
      {"NameWithSpace", "name: a b\nop: softmax\n" + sweep, "w.yaml:1:7: name \"a b\" must be of"},
      {"Key", w + "dtyp: f32\n", "w.yaml:4:1: unknown key \"dtyp\"; did you mean \"dtype\"?"},
      {"KeyTwice", w + "op: softmax\n", "w.yaml:4:1: key \"op\" appears twice"},
      {"Dtype", w + "dtype: [f32, f23]\n",
       "w.yaml:4:14: unknown dtype \"f23\"; did you mean \"f32\"?"},
      {"DtypeOfAnother", w + "dtype: f16\n",
       "w.yaml:4:8: softmax has no dtype \"f16\"; it has f32, bf16"},
      {"DtypeTwice", w + "dtype: [f32, f32]\n", "w.yaml:4:14: \"f32\" appears twice in dtype"},
      {"EmptyList", w + "dtype: []\n", "w.yaml:4:1: dtype must be a list of at least one value"},
      {"ListInList", w + "dtype: [[f32]]\n", "w.yaml:4:9: dtype holds a list"},
      {"MapForWord", head + sweep + "seed: {a: 1}\n",
       "w.yaml:4:1: seed must be one word or number, not a mapping"},
      {"SweepIsList", head + "sweep: [1]\n", "w.yaml:3:1: sweep must be a mapping"},
      {"NoCols", head + "sweep: {rows: 1}\n", "w.yaml:1:1: the sweep needs cols (columns)"},
      {"Parameter", head + "sweep: {rows: [1], colls: [8]}\n",
       "w.yaml:3:20: softmax has no parameter \"colls\"; did you mean \"cols\"?"},
      {"ParameterTwice", head + "sweep: {rows: [1], rows: [2], cols: [8]}\n",
       "w.yaml:3:20: parameter \"rows\" appears twice"},
      {"OutOfRange", head + "sweep: {rows: [0], cols: [8]}\n",
       "w.yaml:3:16: rows = 0 is outside 1 to 1000000"},
      {"NotAnInteger", head + "sweep: {rows: [1], cols: [eight]}\n",
       "w.yaml:3:27: \"eight\" is not an integer"},
      {"Choice", head + "sweep: {rows: [1], cols: [8], causal: [top]}\n",
       "w.yaml:3:40: \"top\" is not a value of causal"},
      {"RangeKey", head + "sweep: {rows: [1], cols: {from: 1, to: 8, facto: 2}}\n",
       "w.yaml:3:43: unknown key \"facto\" in the range of cols; did you mean \"factor\"?"},
      {"RangeWithoutTo", head + "sweep: {rows: [1], cols: {from: 1, factor: 2}}\n",
       "w.yaml:3:20: the range of cols needs from, to"},
      {"RangeOfBoth", head + "sweep: {rows: [1], cols: {from: 1, to: 8, factor: 2, step: 1}}\n",
       "w.yaml:3:20: cols: a range needs factor or step, one of them"},
      {"RangeBackwards", head + "sweep: {rows: [1], cols: {from: 8, to: 2, step: 2}}\n",
       "w.yaml:3:20: cols: a range from 8 to 2 is empty"},
      {"FactorOne", head + "sweep: {rows: [1], cols: {from: 1, to: 8, factor: 1}}\n",
       "w.yaml:3:51: factor of cols: \"1\" is not a number above 1"},
      {"FactorNan", head + "sweep: {rows: [1], cols: {from: 1, to: 8, factor: nan}}\n",
       "w.yaml:3:51: factor of cols: \"nan\" is not a number"},
      {"StepZero", head + "sweep: {rows: [1], cols: {from: 1, to: 8, step: 0}}\n",
       "w.yaml:3:49: step of cols: 0 is outside 1"},
      {"AbsurdRange", head + "sweep: {rows: [1], cols: {from: 1, to: 9000000000, step: 1}}\n",
       "w.yaml:3:20: cols: a range of more than 10000 values"},
      {"AbsurdSweep",
       head + "sweep: {rows: {from: 1, to: 900, step: 1}, cols: {from: 2, to: 900, step: 2}}\n",
       "w.yaml:1:1: a sweep of 405000 combinations"},
      {"NothingValid", head + "sweep: {rows: [1], cols: [7, 9]}\n",
       "w.yaml:1:1: no combination of the sweep is valid: cols must be even"},
      {"Variant", w + "variants: [two_pas]\n",
       "w.yaml:4:12: no variant of softmax matches \"two_pas\"; did you mean \"two_pass\"?"},
      {"VariantForm", w + "variants: [two_pass@avx3]\n",
       "w.yaml:4:12: no variant of softmax matches \"two_pass@avx3\"; did you mean "
       "\"two_pass@avx2\"?"},
      {"VariantGlob", w + "variants: [\"zz*\"]\n",
       "w.yaml:4:12: no variant of softmax matches \"zz*\"; known: three_pass, two_pass"},
      {"Baseline", w + "baseline: tree_pass\n",
       "w.yaml:4:11: unknown baseline \"tree_pass\"; did you mean \"three_pass\"?"},
      {"BaselineNotSelected", w + "variants: [two_pass]\nbaseline: three_pass\n",
       "w.yaml:5:11: baseline \"three_pass\" is not among the variants"},
      {"Threads", w + "threads: [some]\n", "w.yaml:4:11: \"some\" is not a thread count"},
      {"ZeroThreads", w + "threads: 0\n", "w.yaml:4:10: \"0\" is not a thread count"},
      {"Cache", w + "cache: [warn]\n",
       "w.yaml:4:9: unknown cache state \"warn\"; did you mean \"warm\"?"},
      {"Fill", w + "fill: nromal(0,1)\n", "w.yaml:4:7: "},
      {"Seed", w + "seed: -1\n", "w.yaml:4:7: seed: -1 is outside 0"},
      {"Rounds", w + "rounds: 0\n", "w.yaml:4:9: rounds: 0 is outside 1"},
      {"MinTime", w + "min_time: soon\n",
       "w.yaml:4:11: min_time: \"soon\" is not a number of seconds"},
      {"MinTimeInfinite", w + "min_time: inf\n",
       "w.yaml:4:11: min_time: \"inf\" is not a number of seconds"},
      {"Timeout", w + "timeout: 0\n", "w.yaml:4:10: timeout: 0 s is outside"},
      {"Empty", "", "w.yaml: is empty"},
      {"OnlyComments", "# nothing\n", "w.yaml: is empty"},
      {"Scalar", "softmax\n", "w.yaml:1:1: a workload file is a mapping"},
      {"EmptyListOfWorkloads", "[]\n", "w.yaml:1:1: a workload file is a mapping"},
      {"ListOfWords", "- softmax\n", "w.yaml:1:3: a workload must be a mapping"},
      {"Tab", "name: w\nsweep:\n\trows: [1]\n", "w.yaml:3:1: a tab indents this line"},
      {"UnclosedList", "name: [w\n", "w.yaml:2:1: not YAML: "},
      {"SecondDocument", w + "---\n" + w, "w.yaml:5:1: a second document"},
      {"Binary", std::string("name: w\0\n", 9), "w.yaml:1:8: byte 0x00 is not text"},
      {"BrokenUtf8", "name: w\nop: \xC3\x28\n", "w.yaml:2:5: byte 0xc3 is not text"},
      {"Names",
       "- {name: a, op: softmax, sweep: {rows: 1, cols: 8}}\n- {name: a, op: softmax, sweep: "
       "{rows: 1, cols: 8}}\n",
       "w.yaml:2:3: the name \"a\" is taken by w.yaml:1:3"},
  };
  return all;
}

class WrongFile : public WorkloadFile, public ::testing::WithParamInterface<Wrong> {};

TEST_P(WrongFile, IsRefusedWithThePlaceTheWordAndTheCure) {
  EXPECT_THAT(errors(GetParam().text), ElementsAre(StartsWith(GetParam().error)));
}

INSTANTIATE_TEST_SUITE_P(Every, WrongFile, ::testing::ValuesIn(wrong_files()),
                         [](const auto& wrong) { return std::string(wrong.param.what); });

TEST_F(WorkloadFile, HasAllItsErrorsReportedTogetherAndThoseOfTheOtherFiles) {
  const std::string a = write("name: w\nop: softmx\nrounds: x\nsweep: {rows: [1]}\n", "a.yaml");
  const std::string b =
      write("name: v\nop: softmax\ncache: hot\nsweep: {rows: 0, cols: [8]}\n", "b.yaml");
  const Plan p = plan_workloads({a, b, "missing.yaml", "."}, {}, {});
  EXPECT_THAT(p.errors, ElementsAre(StartsWith("a.yaml:2:5: "), StartsWith("a.yaml:3:9: "),
                                    StartsWith("b.yaml:3:8: "), StartsWith("b.yaml:4:15: "),
                                    StartsWith("missing.yaml: cannot be read: No such file"),
                                    StartsWith(".: is a directory")));
  EXPECT_THAT(p.groups, IsEmpty());
}

TEST_F(WorkloadFile, WithAMisspeltOperationHasTheRestCheckedAsIfItWereRight) {
  EXPECT_THAT(errors("name: w\nop: sofmax\ndtype: f23\nsweep: {rows: [1], colls: [8]}\n"
                     "variants: [two_pas]\n"),
              ElementsAre(HasSubstr("unknown op \"sofmax\""), HasSubstr("\"f23\""),
                          HasSubstr("\"two_pas\""), HasSubstr("\"colls\"")));
}

TEST_F(WorkloadFile, OfEndlessSizeIsRefused) {
  EXPECT_THAT(plan_workloads({"/dev/zero"}, {}, {}).errors,
              ElementsAre(HasSubstr("larger than 1 MiB")));
}

TEST_F(WorkloadFile, WithAnInvalidCombinationAmongValidOnesKeepsItAsRefused) {
  const Plan p = plan("name: w\nop: softmax\nsweep: {rows: [1], cols: [7, 8]}\n");
  ASSERT_THAT(p.errors, IsEmpty());
  ASSERT_THAT(p.groups, SizeIs(2));
  EXPECT_EQ(p.groups[0].refused, "cols must be even");
  EXPECT_EQ(p.groups[1].refused, "");
}

TEST_F(WorkloadFile, LargerThanTheMachineIsRefusedByCase) {
  const Plan p =
      plan("name: w\nop: softmax\nsweep: {rows: [1], cols: [8, 1099511627776]}\nthreads: [1, 8]\n");
  ASSERT_THAT(p.groups, SizeIs(4));
  EXPECT_EQ(p.groups[0].refused, "");
  EXPECT_EQ(p.groups[1].refused, "asks for 8 threads; this machine gives 4");
  EXPECT_EQ(
      p.groups[2].refused,
      "operands and expected answers take 24576.0 GiB, more than 85 % of this machine's 7.5 GiB");
}

TEST_F(WorkloadFile, IsRefusedColdWhereOnlyOneSetOfOperandsAndTheExpectedAnswersFit) {
  const Plan p = plan(
      "name: w\nop: softmax\nsweep: {rows: [1], cols: [240000000]}\n"
      "cache: [warm, cold_output, cold]\n");
  ASSERT_THAT(p.groups, SizeIs(3));
  EXPECT_EQ(p.groups[0].refused, "");
  EXPECT_THAT(p.groups[1].refused, HasSubstr("take 7.2 GiB"));
  EXPECT_THAT(p.groups[2].refused, HasSubstr("take 8.9 GiB"));
}

TEST_F(WorkloadFile, NeverCrashesTheLoaderHoweverItIsDamaged) {
  const std::string sound = std::string(kPlain) + "cache: [warm]\nfill: normal(0, 4)\n" +
                            "variants: [\"*\"]\nbaseline: two_pass\n";
  const std::string spice = "{}[]:,-#&*!|>'\"%@`\t\n ?~<=0aé\x01";
  std::mt19937 random(3);
  for (int trial = 0; trial < 1500; ++trial) {
    std::string text = sound;
    for (auto n = 1 + random() % 6; n > 0; --n) {
      const std::size_t at = random() % text.size();
      const char c = spice[random() % spice.size()];
      if (random() % 2 == 0) {
        text[at] = c;
      } else {
        text.insert(at, 1 + random() % 3, c);
      }
    }
    text.resize(random() % (text.size() + 1));
    const Plan p = plan(text);
    EXPECT_TRUE(!p.errors.empty() || !p.groups.empty()) << text;
  }
}

TEST_F(WorkloadFile, OfBracketsToTheHorizonIsRefusedAndNotRecursedInto) {
  EXPECT_THAT(errors("name: " + std::string(200000, '[')), ElementsAre(HasSubstr("not YAML")));
}

TEST_F(WorkloadFile, MayUseAnchorsWithoutGrowing) {
  std::string text = "- &a {name: a, op: softmax, sweep: {rows: [1], cols: [8]}}\n";
  EXPECT_THAT(errors(text + "- *a\n"), ElementsAre(HasSubstr("the name \"a\" is taken")));
}

// --- the command line ---

TEST_F(WorkloadFile, HasAnAxisReplacedBySet) {
  Overrides o;
  o.set = {{"cols", {"32", "64"}}, {"dtype", {"bf16"}}, {"causal", {"top_left"}}};
  const Plan p = plan(kPlain, o);
  ASSERT_THAT(p.errors, IsEmpty());
  EXPECT_THAT(params(p),
              ElementsAre("causal=top_left;cols=32;rows=1", "causal=top_left;cols=64;rows=1"));
  EXPECT_EQ(p.groups[0].group.problem.dtype, Dtype::kBf16);
}

TEST_F(WorkloadFile, TakesAFillWithCommasFromSet) {
  Overrides o;
  o.set = {{"fill", {"uniform(-1", " 2)"}}};
  EXPECT_EQ(plan(kPlain, o).groups.at(0).group.fill.text(), "uniform(-1,2)");
}

TEST_F(WorkloadFile, HasWrongOptionsReportedTogether) {
  Overrides o;
  o.set = {{"colls", {"1"}}, {"rows", {"x"}}};
  o.variants = {"twopass"};
  o.threads = {"none"};
  o.device = "gpu";
  EXPECT_THAT(
      errors(kPlain, o),
      ElementsAre(AllOf(StartsWith("--set colls=1: "), HasSubstr("did you mean \"cols\"")),
                  StartsWith("--set rows=x: \"x\" is not an integer"),
                  AllOf(StartsWith("--variants twopass: "), HasSubstr("\"two_pass\"")),
                  StartsWith("--threads: \"none\""), StartsWith("--device: unknown device")));
}

TEST_F(WorkloadFile, IsFilteredByTheFullCaseName) {
  Overrides o;
  o.filter = "^w/softmax/two_pass@scalar/f32/cols=16;rows=1/t1/warm$";
  const Plan p = plan(kPlain, o);
  ASSERT_THAT(p.groups, SizeIs(1));
  EXPECT_THAT(p.groups[0].group.variants, SizeIs(1));
}

TEST_F(WorkloadFile, IsNotRunWhenTheFilterMatchesNothingOrIsNone) {
  Overrides o;
  o.filter = "nosuch";
  EXPECT_THAT(errors(kPlain, o), ElementsAre(AllOf(HasSubstr("matches none of the 8 cases"),
                                                   HasSubstr("w/softmax/three_pass@scalar/"))));
  o.filter = "a(";
  EXPECT_THAT(errors(kPlain, o), ElementsAre(HasSubstr("is not a regular expression")));
}

TEST_F(WorkloadFile, IsLimitedToADevice) {
  Overrides o;
  o.device = "cuda";
  const Plan p = plan(kPlain, o);
  ASSERT_THAT(p.groups, SizeIs(2));
  EXPECT_EQ(p.groups[0].group.variants.at(0)->isa, Isa::kCuda);
  EXPECT_THAT(p.groups[0].group.variants, SizeIs(1));
}

TEST_F(WorkloadFile, RunsQuicklyWithSmallProblemsAndFewRounds) {
  Overrides o;
  o.quick = true;
  const Plan p = plan("name: w\nop: softmax\nsweep: {rows: [1], cols: [8, 100000000]}\n", o);
  EXPECT_THAT(params(p), ElementsAre("cols=8;rows=1"));
  EXPECT_LT(p.groups[0].group.rounds, Workload{}.rounds);
  const Plan large = plan("name: w\nop: softmax\nsweep: {rows: [1], cols: [100000000]}\n", o);
  EXPECT_THAT(params(large), ElementsAre("cols=100000000;rows=1"));
}

TEST_F(WorkloadFile, IsToldFromAPolicyFile) {
  EXPECT_TRUE(looks_like_workloads(write(kPlain)));
  EXPECT_TRUE(looks_like_workloads(write("- {op: x}\n")));
  EXPECT_FALSE(looks_like_workloads(write("threshold: 0.03\n")));
  EXPECT_FALSE(looks_like_workloads(write("]")));
}

}  // namespace
}  // namespace sb
