"""SciPy: FFT convolution with its C++ pocketfft."""
import softmax_bench_peer as peer
from softmax_bench_peer import Unsupported, kernel

UNAVAILABLE = peer.environment("small", module="scipy")
VERSIONS = {}

if not UNAVAILABLE:
    import scipy
    import scipy.fft
    VERSIONS = {"scipy": scipy.__version__}


@kernel("fft_conv", "scipy", ("f32",), summary="scipy.fft.rfft, product, irfft (pocketfft), workers = threads")
def fft_conv(problem):
    params = problem.params
    if params["spectrum"] == "cached" or params["sparsity"]:
        raise Unsupported("transforms the kernels in every call, all of their spectrum")
    n, workers = params["n"], problem.threads

    def convolve(u, k):
        spectrum = scipy.fft.rfft(u, n, workers=workers)
        spectrum *= scipy.fft.rfft(k, n, workers=workers)
        return scipy.fft.irfft(spectrum, n, overwrite_x=True, workers=workers)[..., :u.shape[-1]]

    if params["gated"]:
        return lambda u, k, g_in, g_out: {"y": convolve(u * g_in, k) * g_out}
    return lambda u, k: {"y": convolve(u, k)}


peer.serve("scipy", VERSIONS, UNAVAILABLE, set_threads=lambda count: count)
