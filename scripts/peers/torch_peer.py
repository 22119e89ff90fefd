"""PyTorch on the CPU, each kernel in the form that is fastest for a user who knows it: no autograd bookkeeping, the
operation's own thread count, outputs returned rather than copied (softmax: out=)."""
import functools

import softmax_bench_peer as peer
from softmax_bench_peer import Unsupported

UNAVAILABLE = peer.environment("torch", module="torch")
FLOATS = ("f32", "bf16", "f16")
VERSIONS = {}
threads = peer.one_thread

if not UNAVAILABLE:
    import torch
    import torch.nn.functional as F
    from torch.nn.attention import SDPBackend, sdpa_kernel
    torch.set_grad_enabled(False)
    VERSIONS = {"torch": torch.__version__}

    def threads(count):
        torch.set_num_threads(count)
        return torch.get_num_threads()


def kernel(op, name, dtypes, summary):
    return peer.kernel(op, name, dtypes, tensors="torch", summary=summary)


@kernel("softmax", "softmax", FLOATS, "torch.softmax(out=)")
def softmax(x, y):
    torch.softmax(x, -1, out=y)


@kernel("log_softmax", "log_softmax", FLOATS, "torch.log_softmax(out=)")
def log_softmax(x, y):
    torch.log_softmax(x, -1, out=y)


# --- attention: torch.nn.functional.scaled_dot_product_attention, held to one backend ------------

def heads_first(problem, tensor):
    """(b, h, n, d), as PyTorch wants it; a view where the layout is (b, n, h, d)."""
    return tensor.transpose(1, 2) if problem.params["layout"] == "bnhd" else tensor


def mask_of(problem):
    """(is_causal, attn_mask): top-left is what PyTorch means by causal, anything else needs a mask."""
    causal = problem.params.get("causal", "none")
    m, n = problem.params.get("m", 1), problem.params["n"]
    if causal == "none":
        return False, None
    if causal == "top_left" or m == n:
        return True, None
    return False, torch.ones(m, n, dtype=torch.bool).tril(n - m)


def attention(problem, backend):
    if problem.params.get("lse"):
        raise Unsupported("scaled_dot_product_attention does not return the log-sum-exp")
    if problem.params.get("ragged", 1) != 1:
        raise Unsupported("scaled_dot_product_attention takes one context length")
    is_causal, mask = mask_of(problem)
    grouped = problem.params["hkv"] not in (0, problem.params["h"])

    def call(q, k, v):
        result = F.scaled_dot_product_attention(
            heads_first(problem, q), heads_first(problem, k), heads_first(problem, v), attn_mask=mask,
            is_causal=is_causal, enable_gqa=grouped)
        return {"o": heads_first(problem, result)}
    call.around = lambda: sdpa_kernel(getattr(SDPBackend, backend))
    return call


for op in ("attention", "attention_decode"):
    for name, backend in (("flash", "FLASH_ATTENTION"), ("math", "MATH")):
        kernel(op, name, FLOATS, f"scaled_dot_product_attention, {backend}")(functools.partial(attention, backend=backend))


def same_heads(problem):
    if problem.params["hkv"] not in (0, problem.params["h"]):
        raise Unsupported("written for as many key heads as query heads")


@kernel("attention_backward", "flash", ("f32",), "the backward of FLASH_ATTENTION, alone")
def backward_flash(problem):
    same_heads(problem)
    is_causal, mask = mask_of(problem)
    backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward

    def call(q, k, v, o, lse, do):
        q, k, v, o, do = (heads_first(problem, t) for t in (q, k, v, o, do))
        grads = backward(do, q, k, v, o, lse, 0.0, is_causal, attn_mask=mask)
        return dict(zip(("dq", "dk", "dv"), (heads_first(problem, g) for g in grads)))
    return call


@kernel("attention_backward", "math", ("f32",), "plain matrix products, the score matrix in memory")
def backward_math(problem):
    same_heads(problem)
    scale = problem.params["d"] ** -0.5
    is_causal, mask = mask_of(problem)
    if is_causal:
        mask = torch.ones(problem.params["m"], problem.params["n"], dtype=torch.bool).tril()

    def call(q, k, v, o, lse, do):
        q, k, v, o, do = (heads_first(problem, t) for t in (q, k, v, o, do))
        p = (q @ k.transpose(-1, -2)).mul_(scale).sub_(lse.unsqueeze(-1)).exp_()
        if mask is not None:
            p.masked_fill_(~mask, 0)
        dv = p.transpose(-1, -2) @ do
        ds = (do @ v.transpose(-1, -2)).sub_((do * o).sum(-1, keepdim=True)).mul_(p).mul_(scale)
        grads = (ds @ k, ds.transpose(-1, -2) @ q, dv)
        return dict(zip(("dq", "dk", "dv"), (heads_first(problem, g) for g in grads)))
    return call


# --- fft_conv ------------------------------------------------------------------------------------

def fft_conv(problem, transform, inverse):
    params = problem.params
    if params["spectrum"] == "cached" or params["sparsity"]:
        raise Unsupported("transforms the kernels in every call, all of their spectrum")
    n = params["n"]

    def convolve(u, k):
        spectrum = transform(u.float(), n=n) * transform(k.float(), n=n)
        return inverse(spectrum, n=n)[..., :u.shape[-1]].to(u.dtype)

    if params["gated"]:
        return lambda u, k, g_in, g_out: {"y": convolve(u * g_in, k) * g_out}
    return lambda u, k: {"y": convolve(u, k)}


@kernel("fft_conv", "fft", FLOATS, "FlashFFTConv's baseline: complex torch.fft, product, inverse, real part")
def fft_conv_complex(problem):
    return fft_conv(problem, torch.fft.fft, lambda y, n: torch.fft.ifft(y, n=n).real)


@kernel("fft_conv", "rfft", FLOATS, "torch.fft.rfft, product, irfft: half the work of the baseline")
def fft_conv_real(problem):
    return fft_conv(problem, torch.fft.rfft, torch.fft.irfft)


# --- gr_kan --------------------------------------------------------------------------------------

def grouped(problem, *tensors):
    """(rows, groups, channels of a group)"""
    groups = problem.params["groups"]
    return [t.view(t.shape[0], groups, -1) for t in tensors]


def numerator(a, x):
    """a0 + a1 x + ... by Horner; a is (groups or 1, terms)."""
    p = a[:, -1, None]
    for i in range(a.shape[1] - 2, -1, -1):
        p = torch.addcmul(a[:, i, None], p, x)
    return p


@kernel("gr_kan", "eager", ("f32",), "Horner in torch operations, one pass over memory each")
def gr_kan(problem):
    def call(x, a, b):
        x, = grouped(problem, x)
        b = b.abs()
        ax = x.abs()
        q = numerator(b, ax).mul_(ax).add_(1)
        return {"y": numerator(a, x).div_(q).view(x.shape[0], -1)}
    return call


@kernel("gr_kan_backward", "eager", ("f32",), "the gradients in torch operations, sums per group by torch.sum")
def gr_kan_backward(problem):
    def call(x, g, a, b):
        x, g = grouped(problem, x, g)
        ab, ax = b.abs(), x.abs()
        p, q = numerator(a, x), numerator(ab, ax).mul_(ax).add_(1)
        scaled_a = a[:, 1:] * torch.arange(1, a.shape[1])
        scaled_b = ab * torch.arange(1, b.shape[1] + 1)
        sign = torch.where(x < 0, -1.0, 1.0)
        t = g / q
        s = t * p / q
        dx = t * numerator(scaled_a, x) - sign * s * numerator(scaled_b, ax)
        da, db = [], []
        for _ in range(a.shape[1]):
            da.append(t.sum((0, 2)))
            t = t * x
        for _ in range(b.shape[1]):
            s = s * ax
            db.append(-s.sum((0, 2)))
        da = torch.stack(da, 1)
        if a.shape[0] == 1:
            da = da.sum(0, keepdim=True)
        db = torch.stack(db, 1) * torch.where(b < 0, -1.0, 1.0)
        return {"dx": dx.view(x.shape[0], -1), "da": da, "db": db}
    return call


peer.serve("torch", VERSIONS, UNAVAILABLE, threads)
