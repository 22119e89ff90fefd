// Token ids for tests and measurements: sentences that overlap as a translation and its references
// do, and the inputs that break implementations.
#pragma once

#include <string>
#include <vector>

#include "core/fill.h"
#include "suites/tensor_bleu/bleu.h"

namespace sb::tensor_bleu {

// edited (default): reference 0 is drawn with a skewed distribution over the vocabulary, so that
//   few tokens are frequent as in language; every other sentence is a copy, moved by up to three
//   positions, in which three tokens in ten are drawn anew. All rows are full.
// ragged: edited, each row cut to a length from 0 to s, pads behind.
// ties: edited, lengths near s/2, so that references are equally near on both sides.
// interior_pads: edited, one token in eight is a pad.
// repeated: one token throughout.   disjoint: no token of a candidate is in a reference.
// big_ids: edited, ids that differ only above bit 32.
std::vector<std::string> fill_words();

void fill_tokens(const Problem& problem, const Fill& fill, std::uint64_t seed,
                 std::int64_t* candidates, std::int64_t* references);

}  // namespace sb::tensor_bleu
