#include "report/roofline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "report/gnuplot.h"
#include "report/roofline_layout.h"
#include "report/whole_file.h"

namespace sb {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Roof bandwidth(const std::string& level, const std::string& kind, double gb_per_s) {
  return {
      level + "/" + kind + "/t1", false, level, kind, "", "", 1, gb_per_s * 1e9, 0, 0, "measured"};
}

Roof flops(const std::string& isa, double gflop_per_s) {
  return {"fma/" + isa + "/f32/t1", true, "", "fma",     isa, "f32", 1,
          gflop_per_s * 1e9,        0,    0,  "measured"};
}

Peaks machine() {
  Peaks peaks;
  peaks.identity = "a machine";
  peaks.date = "2026-01-01T00:00:00Z";
  peaks.roofs = {bandwidth("L1", "triad", 300),
                 bandwidth("L2", "triad", 120),
                 bandwidth("L3", "triad", 40),
                 bandwidth("mem", "triad", 20),
                 bandwidth("mem", "copy_nt", 26),
                 bandwidth("mem", "write", 90),
                 flops("scalar", 9),
                 flops("avx2", 70),
                 flops("avx512", 140)};
  return peaks;
}

// `bytes_factor`: what the algorithm moves over what is compulsory.
Row drawn_row(const std::string& variant, double gflop_per_s, double bytes_factor,
              const std::string& roof = "mem/triad/t1", const std::string& bound = "memory") {
  Row row;
  row.workload = "w";
  row.op = "softmax";
  row.variant = variant;
  row.isa = "avx512";
  row.device = "cpu";
  row.dtype = "f32";
  row.params = "cols=1048576;rows=1";
  row.threads = 1;
  row.cache = "cold";
  row.status = "ok";
  row.host = "a machine";
  row.bytes_compulsory = 8e6;
  row.bytes_algorithm = 8e6 * bytes_factor;
  row.flops = 21e6;
  row.time_median_ns = *row.flops / gflop_per_s;
  row.time_lo_ns = *row.time_median_ns * 0.97;
  row.time_hi_ns = *row.time_median_ns * 1.05;
  row.gb_per_s = *row.bytes_algorithm / *row.time_median_ns;
  row.flop_per_byte = *row.flops / *row.bytes_algorithm;
  row.roof_id = roof;
  row.bound = bound;
  return row;
}

std::string roofline_error(const std::vector<Row>& rows, const Peaks& peaks) {
  try {
    build_roofline(rows, peaks, false);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Roofline, SharesAndFloorsFollowFromTheBindingRoof) {
  const Row row = drawn_row("online", 26.25, 1.5);
  const Roofline roofline = build_roofline({row}, machine(), false);
  ASSERT_EQ(roofline.points.size(), 1u);
  const RooflinePoint& point = roofline.points[0];
  EXPECT_DOUBLE_EQ(point.intensity, *row.flop_per_byte);
  EXPECT_NEAR(point.gflops, 26.25, 1e-9);
  const double floor_ns = *row.bytes_compulsory / 20;  // 20 GB/s is 20 bytes per ns
  EXPECT_NEAR(point.over_floor, *row.time_median_ns / floor_ns, 1e-9);
  EXPECT_NEAR(point.share, 100 * floor_ns / *row.time_median_ns, 1e-9);
  EXPECT_LT(point.gflops_lo, point.gflops);
  EXPECT_GT(point.gflops_hi, point.gflops);
}

TEST(Roofline, KeepsWarmAndColdAndThreadCountsApart) {
  Row warm = drawn_row("a", 10, 1), two = drawn_row("a", 10, 1);
  warm.cache = "warm";
  two.threads = 2;
  Peaks peaks = machine();
  const Roofline roofline = build_roofline({drawn_row("a", 10, 1), warm, two}, peaks, false);
  ASSERT_EQ(roofline.panels.size(), 3u);
  EXPECT_EQ(roofline.panels[0].title, "cpu, cold, 1 thread");
  EXPECT_EQ(roofline.panels[2].title, "cpu, cold, 2 threads");
  EXPECT_TRUE(roofline.panels[2].roofs.empty()) << "roofs of one thread say nothing about two";
}

TEST(Roofline, DrawsARoofPerLevelOrdinaryAndStreamingAndTheCeilingsOfItsRows) {
  const Roofline roofline = build_roofline({drawn_row("a", 10, 1)}, machine(), false);
  std::vector<std::string> labels;
  for (const RoofLine& roof : roofline.panels[0].roofs) labels.push_back(roof.label);
  EXPECT_THAT(labels, ::testing::ElementsAre("L1 triad 300 GB/s", "L2 triad 120 GB/s",
                                             "L3 triad 40 GB/s", "mem triad 20 GB/s",
                                             "mem copy_nt 26 GB/s", "avx512 f32 fma 140 GFLOP/s"));
}

TEST(Roofline, RefusesPeaksOfAnotherMachineNamingTheCure) {
  Peaks peaks = machine();
  peaks.identity = "another machine";
  EXPECT_THAT(roofline_error({drawn_row("a", 10, 1)}, peaks), HasSubstr("softmax-bench peaks"));
  EXPECT_NO_THROW(build_roofline({drawn_row("a", 10, 1)}, peaks, true)) << "declared";
}

TEST(Roofline, RefusesRowsOfTwoMachinesAndRowsWithoutAnyTime) {
  Row elsewhere = drawn_row("a", 10, 1);
  elsewhere.host = "b machine";
  EXPECT_THAT(roofline_error({drawn_row("a", 10, 1), elsewhere}, machine()),
              HasSubstr("two machines"));
  Row skipped = drawn_row("a", 10, 1);
  skipped.status = "skipped";
  skipped.reason = "needs avx512";
  skipped.time_median_ns.reset();
  EXPECT_THAT(roofline_error({skipped}, machine()), HasSubstr("needs avx512"));
}

TEST(Roofline, RefusesPeaksWithoutACeilingForTheRows) {
  Peaks peaks = machine();
  peaks.roofs.clear();
  EXPECT_THAT(roofline_error({drawn_row("a", 10, 1)}, peaks), HasSubstr("no ceiling"));
}

TEST(Roofline, ListsWhatItCannotDraw) {
  Row implausible = drawn_row("b", 1000, 1);
  implausible.status = "implausible";
  const Roofline roofline = build_roofline({drawn_row("a", 10, 1), implausible}, machine(), false);
  EXPECT_EQ(roofline.points.size(), 1u);
  EXPECT_THAT(roofline_text(roofline), HasSubstr("softmax/b@avx512"));
}

std::string advice(const Row& row, std::vector<Row> others = {}) {
  others.push_back(row);
  return advice_for(row, others, machine());
}

TEST(Advice, AsksForFewerBytesWhereTheAlgorithmMovesMoreThanItMust) {
  EXPECT_EQ(advice(drawn_row("reload", 20, 2.5)), "fewer bytes: it moves 2.5x the compulsory ones");
}

TEST(Advice, AsksForBytesInFlightWhereTheMemoryIsIdle) {
  // 10.5 GFLOP/s at 2.625 FLOP/B are 4 GB/s of 20.
  EXPECT_EQ(advice(drawn_row("a", 10.5, 1)),
            "more bytes in flight: its traffic runs at 20 % of the roof");
}

TEST(Advice, SaysSoAtTheRoof) {
  EXPECT_THAT(advice(drawn_row("a", 52.5, 1)), HasSubstr("at the memory roof"));
  EXPECT_THAT(advice(drawn_row("a", 130, 1, "fma/avx512/f32/t1", "compute")),
              HasSubstr("at the FLOP roof"));
}

TEST(Advice, AsksForExponentialsOnlyWhereThereAreAny) {
  Row row = drawn_row("a", 60, 1, "L1/triad/t1", "L1");
  EXPECT_THAT(advice(row), HasSubstr("exponentials"));
  row.op = "gr_kan";
  EXPECT_THAT(advice(row), HasSubstr("less arithmetic"));
}

TEST(Advice, PointsToTheStreamingFormThatIsFasterHere) {
  const Row slow = drawn_row("two_pass", 20, 1.5);
  EXPECT_EQ(advice(slow, {drawn_row("two_pass_stream", 25, 1.5)}),
            "streaming stores (two_pass_stream is 1.25 times as fast)");
  EXPECT_THAT(advice(slow, {drawn_row("two_pass_stream", 19, 1.5)}), Not(HasSubstr("streaming")));
}

TEST(Advice, InventsNothingWithoutARoof) { EXPECT_EQ(advice(drawn_row("a", 10, 1, "")), ""); }

// Many variants at few intensities: what a softmax run looks like.
Roofline crowded() {
  std::vector<Row> rows;
  int n = 0;
  for (const char* cache : {"warm", "cold"}) {
    for (const char* variant :
         {"naive", "online", "two_pass", "two_pass_stream", "three_pass_reload"}) {
      for (const char* isa : {"scalar", "avx2", "avx512"}) {
        for (double size = 0; size < 4; ++size) {
          ++n;
          Row row = drawn_row(variant, (5 + n % 17) * (1 + size), 1 + (n % 3) * 0.5);
          row.cache = cache;
          row.isa = isa;
          row.params = "cols=" + std::to_string(1024 << static_cast<int>(size)) + ";rows=1";
          rows.push_back(row);
        }
      }
    }
  }
  return build_roofline(rows, machine(), false);
}

TEST(RooflineLayout, PutsPointsAndRoofsWhereLogarithmsSay) {
  const LogPlane plane{{0, 300, 0, 200}, -1, 2, 0, 2};
  EXPECT_DOUBLE_EQ(plane.px(0.1), 0);
  EXPECT_DOUBLE_EQ(plane.px(100), 300);
  EXPECT_DOUBLE_EQ(plane.py(10), 100);
  EXPECT_NEAR(plane.slope_angle(), 45, 1e-9);
}

TEST(RooflineLayout, LetsNoTwoLabelsCollideAndNoneLeaveTheFrame) {
  const Roofline roofline = crowded();
  const PixelBox box{80, 790, 60, 480};
  for (const RooflinePanel& panel : roofline.panels) {
    const PanelLayout layout = layout_panel(roofline, panel, box);
    std::vector<std::vector<Disc>> all;
    for (const PlacedLabel& label : layout.roof_labels) {
      all.push_back(discs_of(label, kRoofFontPx));
    }
    for (const PlacedLabel& label : layout.point_labels) {
      all.push_back(discs_of(label, kPointFontPx));
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(collide(all[i], all[j])) << i << " " << j;
      for (const Disc& disc : all[i]) {
        EXPECT_GE(disc.x, box.left);
        EXPECT_LE(disc.x, box.right);
        EXPECT_GE(disc.y, box.bottom);
        EXPECT_LE(disc.y, box.top);
      }
    }
    EXPECT_EQ(layout.roof_labels.size(), panel.roofs.size());
    EXPECT_EQ(layout.point_labels.size() + static_cast<std::size_t>(layout.unlabelled),
              panel.points.size());
    EXPECT_LE(layout.unlabelled, 4) << "of 60 points at three intensities";
  }
}

// CPU rows under a GPU's ceilings, which lie decades above them.
TEST(RooflineLayout, ShowsEveryRoofOfADeclaredMachine) {
  Peaks gpu;
  gpu.identity = "a GPU";
  gpu.roofs = {bandwidth("mem", "triad", 3350), flops("cuda", 67000)};
  for (Roof& roof : gpu.roofs) roof.source = "declared";
  Row two = drawn_row("a", 10, 1);
  two.threads = 2;
  const Roofline roofline = build_roofline({drawn_row("a", 10, 1), two}, gpu, true);
  for (const RooflinePanel& panel : roofline.panels) {
    EXPECT_EQ(panel.roofs.size(), 2u) << panel.title;
    EXPECT_EQ(layout_panel(roofline, panel, {80, 790, 60, 480}).roofs.size(), 2u) << panel.title;
  }
}

TEST(RooflineLayout, MeetsBandwidthAndFlopRoofsAtTheirRidge) {
  const Roofline roofline = crowded();
  const PanelLayout layout = layout_panel(roofline, roofline.panels[0], {80, 790, 60, 480});
  for (const PlacedRoof& roof : layout.roofs) {
    if (!roof.line.is_flops) {
      EXPECT_NEAR(roof.y_end, 140, 1e-6) << roof.line.label;
      EXPECT_NEAR(roof.x_end, 140 / roof.line.value, 1e-9) << roof.line.label;
    }
  }
}

bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

TEST(RooflinePicture, DrawsRoofsPointsAndAxesAsSvg) {
  if (!has_program("gnuplot")) GTEST_SKIP() << "gnuplot is not installed";
  const Roofline roofline = crowded();
  const std::string svg = run_gnuplot(roofline_script(roofline, "svg"));
  EXPECT_THAT(svg, HasSubstr("<svg"));
  EXPECT_THAT(svg, HasSubstr("mem copy_nt 26 GB/s"));
  EXPECT_THAT(svg, HasSubstr("cpu, warm, 1 thread"));
  EXPECT_THAT(svg, HasSubstr("softmax/two_pass_stream avx512 f32"));
  EXPECT_THAT(svg, HasSubstr("GFLOP/s"));
}

// gnuplot drops a line of which both ends lie outside the axes by a rounding error.
TEST(RooflinePicture, DrawsEveryCeilingOfAPanel) {
  if (!has_program("gnuplot")) GTEST_SKIP() << "gnuplot is not installed";
  const Roofline roofline = crowded();
  const std::string svg = run_gnuplot(roofline_panel_script(roofline, 0));
  const std::regex line("d='M([0-9.]+),([0-9.]+) L([0-9.]+),([0-9.]+) +'");
  std::set<double> levels;  // heights of the level lines that end at the right edge
  for (std::sregex_iterator it(svg.begin(), svg.end(), line), end; it != end; ++it) {
    if ((*it)[2] == (*it)[4] && std::stod((*it)[3]) > 780) levels.insert(std::stod((*it)[2]));
  }
  const PanelLayout layout = layout_panel(roofline, roofline.panels[0], {78, 790, 62, 482});
  const double height = 528;
  for (const PlacedRoof& roof : layout.roofs) {
    if (!roof.line.is_flops) continue;
    const double y = height - layout.plane.py(roof.y_begin);
    const auto at = levels.lower_bound(y - 1);
    EXPECT_TRUE(at != levels.end() && *at < y + 1) << roof.line.label;
  }
}

TEST(RooflinePicture, GivesNumberFormatsAndInstructionSetsOfAVariantMarksOfTheirOwn) {
  std::vector<Row> rows;
  for (const char* isa : {"scalar", "avx2", "avx512", "native", "cuda"}) {
    for (const char* dtype : {"f32", "f16", "bf16"}) {
      Row row = drawn_row("online", 10, 1);
      row.isa = isa;
      row.dtype = dtype;
      rows.push_back(row);
    }
  }
  const std::string script = roofline_panel_script(build_roofline(rows, machine(), false), 0);
  const std::regex series("lc rgb '([^']+)' (pt [0-9]+ ps [0-9.]+) title 'softmax/online ");
  std::set<std::string> colours, marks;
  for (std::sregex_iterator it(script.begin(), script.end(), series), end; it != end; ++it) {
    colours.insert((*it)[1]);
    marks.insert((*it)[2]);
  }
  EXPECT_EQ(colours.size(), 1u);
  EXPECT_EQ(marks.size(), rows.size());
}

TEST(RooflinePicture, DrawsPng) {
  if (!has_program("gnuplot")) GTEST_SKIP() << "gnuplot is not installed";
  const std::string png = run_gnuplot(roofline_script(crowded(), "png"));
  EXPECT_EQ(png.substr(0, 8), std::string("\x89PNG\r\n\x1a\n"));
  write_whole_file(::testing::TempDir() + "/" + std::to_string(getpid()) + "roofline.png", png);
}

TEST(Gnuplot, SaysHowToGetItWhereItIsMissing) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  std::string error;
  try {
    run_gnuplot("set terminal svg\nplot x\n");
  } catch (const std::runtime_error& e) {
    error = e.what();
  }
  setenv("PATH", path.c_str(), 1);
  EXPECT_THAT(error, HasSubstr("apt-get install"));
}

TEST(Gnuplot, HandsOnItsComplaint) {
  if (!has_program("gnuplot")) GTEST_SKIP() << "gnuplot is not installed";
  EXPECT_THROW(run_gnuplot("this is no gnuplot\n"), std::runtime_error);
}

// The page in a real browser. A script appended for the test alone writes into the title what the
// browser made of the page; --dump-dom prints it.
TEST(RooflinePage, RendersInABrowserWithAxesRoofsAndPointsAndWithoutErrors) {
  if (!has_program("gnuplot")) GTEST_SKIP() << "gnuplot is not installed";
  if (!has_program("chromium")) GTEST_SKIP() << "chromium is not installed";
  const Roofline roofline = crowded();
  std::vector<std::string> pictures;
  for (std::size_t i = 0; i < roofline.panels.size(); ++i) {
    pictures.push_back(run_gnuplot(roofline_panel_script(roofline, i)));
  }
  const std::string html = roofline_html(roofline, pictures);
  EXPECT_FALSE(std::regex_search(html, std::regex("(src|href)=\"(https?:)?//")))
      << "the page asks the network for something";
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  const std::string dir = ::testing::TempDir();
  write_whole_file(dir + "/roofline.html", html);
  const std::string probe =
      "<script>window.onload=()=>{const s=[...document.querySelectorAll('svg')];"
      "const t=[...document.querySelectorAll('svg text')].map(e=>e.textContent);"
      "const seen=e=>{const b=e.getBoundingClientRect();return b.width>0&&b.height>0};"
      "document.body.innerHTML='PROBE svg='+s.filter(seen).length"
      "+' axes='+t.filter(x=>/FLOP per byte/.test(x)).length"
      "+' roofs='+t.filter(x=>/GB\\/s/.test(x)).length"
      "+' marks='+document.querySelectorAll('svg use').length+' END'}</script>";
  write_whole_file(dir + "/probe.html", html + probe);
  const std::string chromium =
      "chromium --headless --no-sandbox --disable-gpu --user-data-dir=" + dir + "/chromium ";
  const std::string log = dir + "/chromium.log";
  ASSERT_EQ(std::system((chromium + "--dump-dom file://" + dir + "/probe.html >" + dir +
                         "/dom.html 2>/dev/null")
                            .c_str()),
            0);
  std::ifstream dom_file(dir + "/dom.html");
  const std::string dom((std::istreambuf_iterator<char>(dom_file)), {});
  std::smatch match;
  ASSERT_TRUE(std::regex_search(
      dom, match, std::regex("PROBE svg=(\\d+) axes=(\\d+) roofs=(\\d+) marks=(\\d+) END")))
      << dom.substr(0, 2000);
  EXPECT_EQ(std::stoi(match[1]), 2);
  EXPECT_EQ(std::stoi(match[2]), 2);
  EXPECT_EQ(std::stoi(match[3]), 10) << "five bandwidth roofs in each of two panels";
  EXPECT_GE(std::stoi(match[4]), 120) << "a mark per point";
  ASSERT_EQ(std::system((chromium +
                         "--enable-logging=stderr --window-size=1300,1900 --screenshot=" + dir +
                         "/roofline_page.png file://" + dir + "/roofline.html 2>" + log)
                            .c_str()),
            0);
  std::ifstream log_file(log);
  const std::string words((std::istreambuf_iterator<char>(log_file)), {});
  EXPECT_THAT(words, Not(HasSubstr("CONSOLE"))) << words;
  EXPECT_GT(std::filesystem::file_size(dir + "/roofline_page.png"), 50000u)
      << "an empty page makes a small picture";
}

TEST(WholeFile, LeavesTheOldFileAndNoPartBehindWhenItCannotWrite) {
  const std::string dir = ::testing::TempDir() + "/whole" + std::to_string(getpid());
  std::filesystem::remove_all(dir);
  std::filesystem::create_directories(dir + "/taken");
  write_whole_file(dir + "/a.txt", "old");
  write_whole_file(dir + "/a.txt", "new");
  std::ifstream file(dir + "/a.txt");
  EXPECT_EQ(std::string((std::istreambuf_iterator<char>(file)), {}), "new");
  EXPECT_THROW(write_whole_file(dir + "/taken", "x"), std::runtime_error);
  EXPECT_THROW(write_whole_file(dir + "/no/such/dir.txt", "x"), std::runtime_error);
  EXPECT_THROW(write_whole_file("/dev/full", "x"), std::runtime_error);
  int entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    ++entries;
    EXPECT_THAT(entry.path().string(), Not(HasSubstr(".part")));
  }
  EXPECT_EQ(entries, 2);
}

}  // namespace
}  // namespace sb
