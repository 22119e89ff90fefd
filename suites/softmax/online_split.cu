#include "suites/softmax/split_call.cuh"

namespace sb::softmax::online_split_cu {
namespace {

const RowRegistration<SplitLauncher<OnlineMethod>> registration{
    Variant{.name = "online_split",
            .summary = "online, each row split across blocks; a second launch merges and writes",
            .bytes_algorithm = [](const Problem& problem) { return bytes_moved(problem, 3); }}};

}  // namespace
}  // namespace sb::softmax::online_split_cu
