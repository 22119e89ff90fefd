"""The Python side of softmax-bench's peer protocol (README.md beside this file).

A peer is a script like this:

    from softmax_bench_peer import kernel, serve

    @kernel("softmax", "numpy")
    def softmax(x, y):
        e = numpy.exp(x - x.max(axis=-1, keepdims=True))
        numpy.divide(e, e.sum(axis=-1, keepdims=True), out=y)

    serve("mine", versions={"numpy": numpy.__version__})

and `softmax-bench run W.yaml --peer mine='python3 that.py' --variants '*,mine:*'` measures it. Tensors are NumPy
arrays over the memory that softmax-bench itself uses, without copies (bf16 as uint16, its bits), or torch tensors over
the same with tensors="torch".
"""
import contextlib
import ctypes
import importlib.util
import inspect
import json
import os
import sys
import time

PROTOCOL = 1

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_LIBC.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_MEMORYVIEW = ctypes.pythonapi.PyMemoryView_FromMemory
_MEMORYVIEW.restype = ctypes.py_object
_MEMORYVIEW.argtypes = [ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int]
_HUGE_PAGE = 2 << 20
_MADV_POPULATE_WRITE = 23


class Unsupported(Exception):
    """Raised by a kernel that can't do a problem: its row is skipped, with this text as the reason."""


class Problem:
    """What a kernel is prepared for: params (numbers, switches, words), dtype, threads, cpus, and shape[name]."""

    def __init__(self, request):
        self.params = request["params"]
        self.dtype = request["dtype"]
        self.threads = request["threads"]
        self.cpus = request["cpus"]
        self.tensors = request["tensors"]
        self.shape = {tensor["name"]: tuple(tensor["shape"]) for tensor in self.tensors}


_kernels = {}


def kernel(op, name, dtypes=("f32",), tensors="numpy", summary=""):
    """Offers the function as the kernel `name` of an operation.

    It takes the tensors that it wants by their names (softmax: x, y) and writes the outputs, or returns those that its
    library allocates as {name: value}; they are copied to their places after the clock has stopped. Instead it may take
    one argument, `problem`, make its plans, and return such a function; the function may then have the attributes
      around   returns a context manager in which the calls are made
      after    a function of tensors, called after the clock has stopped: for outputs that are not the library's
    tensors="torch" gives torch tensors, and "bytes" memoryviews of bytes."""
    def register(function):
        takes_problem = next(iter(inspect.signature(function).parameters), "") == "problem"
        _kernels[op, name] = {"make": function if takes_problem else lambda problem: function,
                              "tensors": tensors,
                              "hello": {"op": op, "name": name, "dtypes": list(dtypes), "summary": summary}}
        return function
    return register


class Memory:
    """The shared memory, mapped whole; on an address that lets huge pages of the file be huge here too."""

    def __init__(self, descriptor, size):
        read_write, shared, private_anonymous, fixed = 3, 1, 0x22, 0x10
        room = _LIBC.mmap(None, size + _HUGE_PAGE, 0, private_anonymous, -1, 0)
        self.base = (room + _HUGE_PAGE - 1) // _HUGE_PAGE * _HUGE_PAGE
        if _LIBC.mmap(self.base, size, read_write, shared | fixed, descriptor, 0) != self.base:
            raise OSError(ctypes.get_errno(), "the shared memory can't be mapped")

    def bytes_at(self, offset, count):
        # Page faults belong here and not into the measurement.
        page = offset // 4096 * 4096
        _LIBC.madvise(self.base + page, offset + count - page, _MADV_POPULATE_WRITE)
        return _MEMORYVIEW(self.base + offset, count, 0x200)  # PyBUF_WRITE


_SIZES = {"f32": 4, "bf16": 2, "f16": 2, "f64": 8, "i32": 4, "i64": 8}
_NUMPY = {"f32": "float32", "bf16": "uint16", "f16": "float16", "f64": "float64", "i32": "int32", "i64": "int64"}


def _view(memory, spec, offset, kind):
    size = _SIZES[spec["dtype"]]
    shape, strides = spec["shape"], spec["strides"]
    last = sum((extent - 1) * stride for extent, stride in zip(shape, strides))
    raw = memory.bytes_at(offset, (last + 1) * size)
    if kind == "bytes":
        return raw
    import numpy
    flat = numpy.frombuffer(raw, dtype=_NUMPY[spec["dtype"]])
    array = numpy.lib.stride_tricks.as_strided(flat, shape, [stride * size for stride in strides])
    if kind == "numpy":
        return array
    import torch
    if spec["dtype"] == "bf16":
        return torch.from_numpy(array.view(numpy.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


class _Prepared:
    """A kernel for one problem, with the operand sets that it goes through."""

    def __init__(self, offer, problem):
        self.specs = problem.tensors
        self.kind = offer["tensors"]
        self.call = offer["make"](problem)
        self.around = getattr(self.call, "around", contextlib.nullcontext)
        self.after = getattr(self.call, "after", lambda: None)
        self.names = self._tensors_of(self.call)
        self.after_names = self._tensors_of(self.after)
        self.memory = None
        self.offsets = []
        self.arguments = []

    def _tensors_of(self, function):
        names = list(inspect.signature(function).parameters)
        known = [spec["name"] for spec in self.specs]
        for name in names:
            if name not in known:
                raise TypeError(f"the kernel takes {name}; there are {', '.join(known)}")
        return names

    def bind(self, memory, offsets):
        self.memory, self.offsets = memory, offsets
        self.arguments = [list(self._views(row, self.names).values()) for row in offsets]

    def _views(self, offsets, names):
        views = {spec["name"]: _view(self.memory, spec, offset, self.kind)
                 for spec, offset in zip(self.specs, offsets) if spec["name"] in names}
        return {name: views[name] for name in names}

    def run(self, first, iterations):
        call, arguments, clock = self.call, self.arguments, time.monotonic_ns
        count = len(arguments)
        with self.around():
            begin = clock()
            for i in range(first, first + iterations):
                result = call(*arguments[i % count])
            elapsed = clock() - begin
        self._finish(self.offsets[(first + iterations - 1) % count], result)
        return elapsed

    def _finish(self, offsets, result):
        self.after(**self._views(offsets, self.after_names))
        for name, view in self._views(offsets, result or {}).items():
            if self.kind == "torch":
                view.copy_(result[name])
            else:
                view[...] = result[name]


class Server:
    def __init__(self, name, versions, unavailable, set_threads):
        self.name = name
        self.versions = versions
        self.unavailable = unavailable
        self.set_threads = set_threads
        self.memory = None
        self.prepared = {}

    def hello(self, request):
        if PROTOCOL not in request["protocol"]:
            return {"protocol": PROTOCOL, "error": f"speaks protocol {PROTOCOL} only"}
        self.memory = Memory(request["memory"]["fd"], request["memory"]["bytes"])
        reply = {"protocol": PROTOCOL, "name": self.name, "versions": self.versions,
                 "kernels": [offer["hello"] for offer in _kernels.values()]}
        if self.unavailable:
            reply["unavailable"] = self.unavailable
        return reply

    def prepare(self, request):
        offer = _kernels.get((request["op"], request["kernel"]))
        if offer is None:
            return {"error": f"no kernel {request['kernel']} of {request['op']}"}
        problem = Problem(request)
        threads = self.set_threads(problem.threads)
        self.prepared[request["id"]] = _Prepared(offer, problem)
        return {"threads": threads,
                "tensors": {t["name"]: {"shape": t["shape"], "dtype": t["dtype"]} for t in problem.tensors}}

    def sets(self, request):
        self.prepared[request["id"]].bind(self.memory, request["offsets"])
        return {}

    def run(self, request):
        return {"ns": self.prepared[request["id"]].run(request["first"], request["iterations"])}

    def release(self, request):
        del self.prepared[request["id"]]
        return {}

    def bye(self, request):
        return {}

    def answer(self, line):
        try:
            request = json.loads(line)
            verb = request["verb"]
            if verb not in ("hello", "prepare", "sets", "run", "release", "bye"):
                return {"error": f"unknown verb {verb}"}
            return getattr(self, verb)(request)
        except Unsupported as reason:
            return {"unsupported": str(reason)}
        except Exception as error:  # costs this request's row; the next may be fine
            return {"error": f"{type(error).__name__}: {error}"}


def environment(name, module):
    """Goes on in the virtual environment that `scripts/peers/setup NAME` makes if this Python lacks the module. Returns
    "", or what is missing and how to get it (for serve): the kernels are then listed, and skipped."""
    if importlib.util.find_spec(module):
        return ""
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.environ.get("SOFTMAX_BENCH_PEERS") or os.path.join(here, "..", "..", ".deps", "peers")
    python = os.path.join(root, name, "bin", "python")
    if os.path.exists(python) and not sys.prefix.startswith(os.path.abspath(os.path.join(root, name))):
        os.execv(python, [python, *sys.argv])
    return f"the Python module {module} is not there; get it with scripts/peers/setup {name}"


def one_thread(threads):
    """For kernels that know one thread only, however many they may use."""
    return 1


def serve(name, versions=None, unavailable="", set_threads=one_thread):
    """Answers requests until `bye` or the end of stdin. `set_threads(n)` returns how many threads will be used."""
    _LIBC.prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL: no orphans, even where a kernel hangs
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no reply
    versions = {**(versions or {}), "python": ".".join(map(str, sys.version_info[:3]))}
    server = Server(name, versions, unavailable, set_threads)
    for line in sys.stdin:
        reply = server.answer(line)
        replies.write(json.dumps(reply) + "\n")
        if reply == {} and '"bye"' in line:
            break
