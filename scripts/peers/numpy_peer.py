"""NumPy: the cost of an external call, and a softmax that anybody would write."""
import softmax_bench_peer as peer
from softmax_bench_peer import kernel

UNAVAILABLE = peer.environment("small", module="numpy")
VERSIONS = {}

if not UNAVAILABLE:
    import numpy
    VERSIONS = {"numpy": numpy.__version__}


@kernel("empty", "empty", summary="takes its arguments and returns: the cost of an external call")
def empty(problem):
    def call(x, y):
        pass
    call.after = lambda x, y: y.__setitem__(0, x[0])
    return call


@kernel("softmax", "softmax", summary="three passes of NumPy, in place")
def softmax(x, y):
    numpy.subtract(x, x.max(axis=-1, keepdims=True), out=y)
    numpy.exp(y, out=y)
    y /= y.sum(axis=-1, keepdims=True)


peer.serve("numpy", VERSIONS, UNAVAILABLE)
