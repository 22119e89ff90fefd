#!/usr/bin/env python3
"""The roofline page in headless Chromium: no console message, no request, axes, roofs and points in document and pixels."""
import argparse
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROWS = ROOT / "results/baselines/emeraldrapids-2vcpu/attention_prefill.csv"
MACHINE = """\
name: a machine for this test
source: made up, around the rows
roofs:
  - {level: L2, kind: triad, gb_per_s: 150}
  - {level: mem, kind: triad, gb_per_s: 15}
  - {level: mem, kind: triad_nt, gb_per_s: 20}
  - {isa: avx512, dtype: f32, kind: fma, gflop_per_s: 150}
"""
ROOF_COLOURS = {(0x66, 0x66, 0x66), (0x88, 0x88, 0x88)}  # of roofline_plot.cpp
POINT_COLOURS = {(0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)}  # of the first two variants
WIDTH, HEIGHT = 1400, 1000


def chromium(folder, page, *options):
    command = [shutil.which("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               "--enable-logging=stderr", "--hide-scrollbars", f"--user-data-dir={folder}/profile",
               f"--window-size={WIDTH},{HEIGHT}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)


def console_of(done):
    """What the page said to the console; failed requests are among it."""
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def pixels_of(png):
    """Rows of (r, g, b): 8-bit RGB or RGBA without interlacing, which is what Chromium writes."""
    data = png.read_bytes()
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            assert depth == 8 and colour in (2, 6) and interlace == 0
            step = 3 if colour == 2 else 4
        if kind == b"IDAT":
            packed += body
        at += 12 + length
    raw, rows, above = zlib.decompress(packed), [], bytearray(width * step)
    for y in range(height):
        begin = y * (width * step + 1)
        above = unfiltered(raw[begin], bytearray(raw[begin + 1:begin + 1 + width * step]), above, step)
        rows.append([tuple(above[x:x + 3]) for x in range(0, width * step, step)])
    return rows


def unfiltered(method, line, above, step):
    """One line of a PNG (RFC 2083, section 6)."""
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        up = above[i]
        corner = above[i - step] if i >= step else 0
        if method == 1:
            add = left
        elif method == 2:
            add = up
        elif method == 3:
            add = (left + up) // 2
        elif method == 4:
            guess = left + up - corner
            add = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
        else:
            add = 0
        line[i] = (line[i] + add) & 0xFF
    return line


class RooflinePage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.scratch.name)
        (cls.folder / "machine.yaml").write_text(MACHINE)
        cls.page = cls.folder / "roofline.html"
        subprocess.run([PROGRAM, "roofline", ROWS, "--machine", cls.folder / "machine.yaml", "--out", cls.page],
                       check=True, stdout=subprocess.DEVNULL)
        cls.shot = chromium(cls.folder, cls.page, "--screenshot=shot.png")
        cls.dom = chromium(cls.folder, cls.page, "--dump-dom")

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_says_nothing_to_the_console(self):
        self.assertEqual(console_of(self.shot) + console_of(self.dom), [])

    def test_a_page_with_an_error_would_be_caught(self):
        bad = self.folder / "bad.html"
        bad.write_text("<script>console.error('planted'); undefined_function();</script>")
        console = "\n".join(console_of(chromium(self.folder, bad, "--dump-dom")))
        self.assertIn("planted", console)
        self.assertIn("undefined_function", console)

    def test_asks_the_network_for_nothing(self):
        links = re.findall(r"""(?:src|href)=["']([^"'#][^"']*)""", self.page.read_text())
        self.assertEqual([link for link in links if not link.startswith("data:")], [])

    def test_document_holds_axes_roofs_points_and_a_line_per_point(self):
        dom = self.dom.stdout
        panels = dom.count("<svg")
        self.assertGreater(panels, 0)
        self.assertEqual(dom.count("FLOP per byte that the algorithm moves</text>"), panels)
        self.assertEqual(dom.count("GFLOP/s</text>"), panels)
        for roof in ("mem triad 15 GB/s", "mem triad_nt 20 GB/s", "L2 triad 150 GB/s", "avx512 f32 fma 150 GFLOP/s"):
            self.assertIn(roof, dom)
        points = len(re.findall(r"<tr", dom)) - len(re.findall(r"<thead>", dom))
        marks = len(re.findall(r"<use [^>]*href=\"#panel\d+_gpPt|<use [^>]*href=\"#gpPt", dom))
        self.assertGreaterEqual(marks, points)
        self.assertIn("what would help", dom)

    def test_screenshot_shows_axes_roofs_and_points(self):
        rows = pixels_of(self.folder / "shot.png")
        self.assertEqual((len(rows), len(rows[0])), (HEIGHT, WIDTH))
        seen = {}
        for row in rows:
            for pixel in row:
                seen[pixel] = seen.get(pixel, 0) + 1
        longest_dark = max(max((len(run) for run in re.findall(b"x+", bytes(
            0x78 if max(p) < 0x60 else 0x20 for p in row))), default=0) for row in rows)
        self.assertGreater(longest_dark, 500, "the horizontal axis is a line of dark pixels")
        self.assertGreater(sum(seen.get(c, 0) for c in ROOF_COLOURS), 300)
        for colour in POINT_COLOURS:
            self.assertGreater(seen.get(colour, 0), 30, f"no mark of colour {colour}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    PROGRAM = arguments.parse_args().program
    for tool in ("chromium", "gnuplot"):
        if shutil.which(tool) is None:
            print(f"skipped: {tool} is not installed; scripts/bootstrap installs it")
            sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
