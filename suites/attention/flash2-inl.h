// Included inside a region.
#include "suites/attention/panel-inl.h"
// clang-format off
#include "suites/attention/flash-inl.h"
// clang-format on

inline void flash_group_f32(const Head& head, const PanelShape* shapes, int count, int key_block,
                            float* workspace) {
  flash_group_with<MacF32>(head, shapes, count, key_block, workspace);
}

#if SB_ISA_DOT
inline void flash_group_bf16(const Head& head, const PanelShape* shapes, int count, int key_block,
                             float* workspace) {
  flash_group_with<MacBf16>(head, shapes, count, key_block, workspace);
}
#endif

#if SB_ISA_AMX
inline void flash_group_tiles(const Head& head, const PanelShape* shapes, int count, int key_block,
                              float* workspace) {
  configure_tiles();
  flash_group_with<MacTile>(head, shapes, count, key_block, workspace);
  _tile_release();
}
#endif
