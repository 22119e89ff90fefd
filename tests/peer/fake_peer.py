"""A peer for the tests, of Python's standard library only: right, or wrong in the way that its argument names."""
import array
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "peers"))
import softmax_bench_peer  # noqa: E402
from softmax_bench_peer import Unsupported, kernel, serve  # noqa: E402


def twice(x, y):
    numbers = array.array("f", [2 * number for number in x.cast("f")])
    y[:] = memoryview(numbers).cast("B")


kernel("twice", "right", tensors="bytes")(twice)
kernel("twice", "also_right", tensors="bytes")(twice)


@kernel("empty", "right", tensors="bytes")
def copy(x, y):
    y[:] = x


@kernel("empty", "first_call_only", tensors="bytes")
def copy_once(problem):
    called = []

    def call(x, y):
        if not called:
            y[:] = x
        called.append(True)
    return call


@kernel("twice", "wrong", tensors="bytes")
def wrong(x, y):
    twice(x, y)
    y[3] ^= 0x40


@kernel("twice", "past_the_end", tensors="bytes")
def past_the_end(problem):
    import ctypes

    def call(x, y):
        twice(x, y)
        end = ctypes.addressof(ctypes.c_char.from_buffer(y)) + len(y)
        ctypes.memset(end, 0, 4)
    return call


@kernel("twice", "dies", tensors="bytes")
def dies(x, y):
    os.kill(os.getpid(), signal.SIGSEGV)


calls = 0


@kernel("twice", "dies_later", tensors="bytes")
def dies_later(x, y):
    global calls
    calls += 1
    if calls > 20:
        os._exit(3)
    twice(x, y)


@kernel("twice", "hangs", tensors="bytes")
def hangs(x, y):
    if sys.argv[1:] == ["survivor"]:  # as a peer without our module, which ends with its parent
        softmax_bench_peer._LIBC.prctl(1, 0)
    print("hanging:", os.getpid())
    time.sleep(3600)


@kernel("twice", "raises", tensors="bytes")
def raises(x, y):
    raise ValueError("out of luck")


@kernel("twice", "unsupported", tensors="bytes")
def unsupported(problem):
    raise Unsupported("not on a Wednesday")


@kernel("twice", "prints", tensors="bytes")
def prints(x, y):
    print("a library says something")
    twice(x, y)


@kernel("twice", "wanders", tensors="bytes")
def wanders(problem):
    os.sched_setaffinity(0, range(os.cpu_count()))
    return twice


@kernel("twice", "bound", tensors="bytes")
def bound(problem):
    if os.sched_getaffinity(0) != set(problem.cpus):
        raise ValueError(f"told to run on {problem.cpus}, may run on {os.sched_getaffinity(0)}")
    return twice


class Liar(softmax_bench_peer.Server):
    """Tells the lie that the command line asks for."""

    def answer(self, line):
        lie = sys.argv[1] if len(sys.argv) > 1 else ""
        reply = super().answer(line)
        verb = line.split('"verb":"')[1].split('"')[0]
        if lie == "dies_at_hello" and verb == "hello":
            os._exit(7)
        if lie == "hangs_at_hello" and verb == "hello":
            time.sleep(3600)
        if lie == "other_version" and verb == "hello":
            reply["protocol"] = 999
        if lie == "error_at_hello" and verb == "hello":
            reply = {"error": "no licence"}
        if lie == "no_kernels" and verb == "hello":
            del reply["kernels"]
        if lie == "unavailable" and verb == "hello":
            reply["unavailable"] = "the library is missing; get it"
        if lie == "shapes" and verb == "prepare":
            reply["tensors"]["y"]["shape"] = [12345]
        if lie == "threads" and verb == "prepare":
            reply["threads"] = 64
        if lie == "time" and verb == "run":
            reply["ns"] = 1e15
        if lie == "no_time" and verb == "run":
            reply = {}
        return reply


softmax_bench_peer.Server = Liar
if sys.argv[1:] == ["garbage"]:
    for _ in sys.stdin:
        os.write(1, b"this is \xff no JSON\n")
elif sys.argv[1:] == ["no_line_end"]:
    while True:
        os.write(1, b"x" * 65536)
serve("fake", versions={"fake": "1.2.3"})
