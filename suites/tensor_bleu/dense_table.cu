#include "suites/tensor_bleu/dense_table_call.cuh"

namespace sb::tensor_bleu::dense_table_cu {
namespace {

// Of the largest possible dictionary: clear two tables, and per reference clear, read twice, write;
// two reads for the row sums.
double bytes_algorithm(const Problem& problem) {
  const Shape s(problem);
  return static_cast<double>(s.rule.counted_orders()) * dense_table_bytes(s) / 3 *
         (4 + 4 * static_cast<double>(s.refs));
}

const DeviceRegistration registration{
    Variant{.op = "tensor_bleu",
            .name = "dense_table",
            .dtypes = {Dtype::kI64},
            .summary = "the batch's n-grams sorted and numbered, dense tables of counts",
            .paper = "arXiv:2510.05485",
            .bytes_algorithm = bytes_algorithm,
            .why_not = why_not_dense},
    dense_table_run<>};

}  // namespace
}  // namespace sb::tensor_bleu::dense_table_cu
