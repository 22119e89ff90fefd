"""ONNX Runtime's attention on the CPU: com.microsoft.MultiHeadAttention and GroupQueryAttention, each on its flash path
and on its unfused one. Inputs and outputs are bound to the shared memory: nothing is copied."""
import contextlib
import os
import time

import softmax_bench_peer as peer
from softmax_bench_peer import Unsupported, kernel

UNAVAILABLE = peer.environment("onnxruntime", module="onnxruntime")
VERSIONS = {}

if not UNAVAILABLE:
    import numpy
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper
    VERSIONS = {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__}


def session(problem, node, inputs, outputs, flash):
    """One node as a model. The switch is read when the session makes its kernels."""
    os.environ["ORT_DISABLE_FLASH_ATTENTION"] = "0" if flash else "1"
    values = [[helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in group]
              for group in (inputs, outputs)]
    graph = helper.make_graph([node], "attention", *values)
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21),
                                                                   helper.make_opsetid("com.microsoft", 1)])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = problem.threads
    options.inter_op_num_threads = 1
    # Its default binds the threads to CPUs of its own choice; the lists are CPU numbers from 1, for all but the first,
    # which is ours. Spinning stays as it is: without it, or with session.force_spinning_stop, a call takes longer.
    if problem.threads > 1:
        os.sched_setaffinity(0, problem.cpus[:1])
        options.add_session_config_entry("session.intra_op_thread_affinities",
                                         ";".join(str(cpu + 1) for cpu in problem.cpus[1:]))
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@contextlib.contextmanager
def process_at_rest():
    """Threads wait by spinning for tens of milliseconds after a call. Halted in the midst of it, those of another session
    would go on now, on the CPUs that this one needs."""
    for _ in range(100):
        before = time.process_time()
        time.sleep(0.005)
        if time.process_time() - before < 0.0005:
            break
    yield


class Binding:
    """Runs a session on given arrays; binding takes longer than a small call, so it is done once for every set."""

    def __init__(self, run, outputs):
        self.run, self.outputs, self.bound = run, outputs, {}

    def __call__(self, **arrays):
        key = tuple(array.ctypes.data for array in arrays.values())
        if key not in self.bound:
            binding = self.run.io_binding()
            for name, array in arrays.items():
                bind = binding.bind_output if name in self.outputs else binding.bind_input
                bind(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
            self.bound[key] = binding
        self.run.run_with_iobinding(self.bound[key])


def check(problem):
    p = problem.params
    if p.get("lse") or p.get("ragged", 1) != 1 or p["pad"]:
        raise Unsupported("takes dense tensors of one context length, and returns no log-sum-exp")
    return p["b"], p["h"], p["hkv"] or p["h"], p.get("m", 1), p["n"], p["d"]


def multi_head(problem, flash):
    """Queries as (b, m, h d); keys and values alike, or as (b, h, n, d) where they lie so."""
    b, h, hkv, m, n, d = check(problem)
    causal = problem.params.get("causal", "none")
    if flash and causal != "none":
        raise Unsupported("MultiHeadAttention has no causal flash path")
    if hkv != h:
        raise Unsupported("MultiHeadAttention has as many key heads as query heads")
    inside = problem.params["layout"] == "bnhd"
    if not inside and m > 1:
        raise Unsupported("MultiHeadAttention takes queries as layout=bnhd")
    if causal != "none" and m != n:
        raise Unsupported("MultiHeadAttention is causal for as many keys as queries")
    query, keys = (b, m, h * d), (b, n, h * d) if inside else (b, h, n, d)
    node = helper.make_node("MultiHeadAttention", ["q", "k", "v"], ["o"], domain="com.microsoft", num_heads=h,
                            unidirectional=int(causal != "none"))
    run = Binding(session(problem, node, [("q", TensorProto.FLOAT, query), ("k", TensorProto.FLOAT, keys),
                                          ("v", TensorProto.FLOAT, keys)], [("o", TensorProto.FLOAT, query)], flash), "o")

    def call(q, k, v, o):
        run(q=q.reshape(query), k=k.reshape(keys), v=v.reshape(keys), o=o.reshape(query))
    return call


def group_query(problem, flash):
    """Causal by definition. Decode: the keys are a cache that past and present share, the last of them the new one."""
    b, h, hkv, m, n, d = check(problem)
    decode = m == 1
    if not decode and (problem.params["layout"] != "bnhd" or problem.params.get("causal", "none") == "none" or m != n):
        raise Unsupported("GroupQueryAttention is causal over layout=bnhd, with as many keys as queries")
    if decode and problem.params["layout"] != "bhnd":
        raise Unsupported("GroupQueryAttention keeps its cache as layout=bhnd")
    query, fresh, cache = (b, m, h * d), (b, m, hkv * d), (b, hkv, n, d)
    float32, int32 = TensorProto.FLOAT, TensorProto.INT32
    names = ["q", "k", "v", "past_key", "past_value", "seqlens_k", "total"]
    shapes = [query, fresh, fresh, cache, cache, (b,), (1,)]
    kinds = [float32] * 5 + [int32] * 2
    node = helper.make_node("GroupQueryAttention", names, ["o", "present_key", "present_value"],
                            domain="com.microsoft", num_heads=h, kv_num_heads=hkv)
    run = Binding(session(problem, node, list(zip(names, kinds, shapes)),
                          [("o", float32, query), ("present_key", float32, cache), ("present_value", float32, cache)],
                          flash), ("o", "present_key", "present_value"))
    lengths = {"seqlens_k": numpy.full(b, n - 1, numpy.int32), "total": numpy.array([n], numpy.int32)}
    if not decode:
        past = [numpy.zeros(cache, numpy.float32) for _ in range(2)]
        caches = {"past_key": past[0], "past_value": past[1], "present_key": past[0], "present_value": past[1]}

        def prefill(q, k, v, o):
            run(q=q.reshape(query), k=k.reshape(fresh), v=v.reshape(fresh), o=o.reshape(query), **lengths, **caches)
        return prefill
    last = {}

    def call(q, k, v, o):
        key = k.ctypes.data
        if key not in last:
            last[key] = [numpy.ascontiguousarray(t[:, :, -1]).reshape(fresh) for t in (k, v)]
        run(q=q.reshape(query), k=last[key][0], v=last[key][1], o=o.reshape(query), past_key=k, past_value=v,
            present_key=k, present_value=v, **lengths)
    return call


def offer(op, name, make, flash, summary):
    def prepare(problem):
        call = make(problem, flash)
        call.around = process_at_rest
        return call
    kernel(op, name, summary=summary)(prepare)


UNFUSED = "ORT_DISABLE_FLASH_ATTENTION=1"
offer("attention", "mha_flash", multi_head, True, "MultiHeadAttention, flash; not causal")
offer("attention", "mha_unfused", multi_head, False, f"MultiHeadAttention, {UNFUSED}")
offer("attention", "gqa_flash", group_query, True, "GroupQueryAttention, flash")
offer("attention", "gqa_unfused", group_query, False, f"GroupQueryAttention, {UNFUSED}")
offer("attention_decode", "mha", multi_head, False, "MultiHeadAttention, one query")
offer("attention_decode", "gqa_flash", group_query, True, "GroupQueryAttention, cache shared by past and present, flash")
offer("attention_decode", "gqa_unfused", group_query, False, f"GroupQueryAttention, cache shared, {UNFUSED}")

peer.serve("onnxruntime", VERSIONS, UNAVAILABLE, set_threads=lambda count: count)
