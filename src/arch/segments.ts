/**
 * Segment descriptors and access rights. SDM: Vol. 3, "Segment Descriptors"; "Guest Register State" (access-rights format).
 *
 * Access rights are kept in the VMCS format, which is descriptor bytes 5..6 with the limit nibble removed:
 *
 *   16        15 14  13 12   11..8     7  6..5 4  3..0
 *   unusable  G  D/B L  AVL  reserved  P  DPL  S  type
 */
export const AR_TYPE = 0xf;
export const AR_S = 1 << 4;
export const AR_DPL_SHIFT = 5;
export const AR_DPL = 3 << AR_DPL_SHIFT;
export const AR_P = 1 << 7;
export const AR_AVL = 1 << 12;
export const AR_L = 1 << 13;
export const AR_DB = 1 << 14;
export const AR_G = 1 << 15;
export const AR_UNUSABLE = 1 << 16;

/** Types of code and data segments (S = 1). */
export const TYPE_ACCESSED = 1;
export const TYPE_WRITABLE_OR_READABLE = 2;
export const TYPE_CONFORMING_OR_EXPAND_DOWN = 4;
export const TYPE_CODE = 8;

/** Types of system segments and gates (S = 0) in IA-32e mode; the 16-bit ones are 1 (TSS), 3 (busy TSS), 6, 7. */
export const TYPE_LDT = 2;
export const TYPE_TSS_AVAILABLE = 9;
export const TYPE_TSS_BUSY = 11;
export const TYPE_CALL_GATE = 12;
export const TYPE_INTERRUPT_GATE = 14;
export const TYPE_TRAP_GATE = 15;

/** Offsets in the 64-bit TSS. SDM: Vol. 3, "TSS in 64-bit Mode". */
export const TSS64_RSP0 = 4;
export const TSS64_IST1 = 36;
export const TSS64_IO_MAP_BASE = 102;
export const TSS64_SIZE = 104;
