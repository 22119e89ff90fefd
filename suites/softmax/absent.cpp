// Peers that this build has no library for (backend/absent.h).
#include "backend/absent.h"

#if !SB_HAVE_XNNPACK || !SB_HAVE_ONEDNN
namespace sb::softmax {
namespace {

#if !SB_HAVE_XNNPACK
const Registration xnnpack{
    absent("softmax", "xnnpack", "built without XNNPACK; install libxnnpack-dev")};
#endif

#if !SB_HAVE_ONEDNN
const char* const kNoOnednn = "built without oneDNN; install libdnnl-dev";
const Registration softmax{absent("softmax", "onednn", kNoOnednn)};
const Registration log_softmax{absent("log_softmax", "onednn", kNoOnednn)};
#endif

}  // namespace
}  // namespace sb::softmax
#endif
