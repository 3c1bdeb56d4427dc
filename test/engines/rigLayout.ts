/**
 * The memory map of the rig that random programs run in: a small kernel that survives them.
 *
 *   0x0001_0000  GDT, IDT, handlers, task-state segments, start frames
 *   0x0001_6000  stacks: four pages per core (exceptions, interrupts, NMI, program)
 *   0x0002_6000  page tables
 *   0x0003_0000  resume tables, 16 KB per core
 *   0x0004_0000  programs, two pages per core
 *   0x0006_0000  data frames
 *
 * Linear addresses below 2 MB are physical ones, in 4 KB pages. Above lie windows on the same memory that differ in everything a TLB entry
 * can differ in; negative addresses (top half) repeat the first 512 GB.
 */
export const RIG_CORES = 4;
export const RIG_BASE = 0x1_0000;
export const GDT = 0x1_0000;
export const IDT = 0x1_1000;
export const TEXT = 0x1_2000;
export const TSS = 0x1_4000;
export const TSS_STRIDE = 0x80;
export const FRAMES = 0x1_5000;
export const FRAME_STRIDE = 0x100;
export const STACKS = 0x1_6000;
export const STACKS_STRIDE = 0x4000;
export const TABLES = 0x2_6000;
export const RESUME = 0x3_0000;
export const RESUME_STRIDE = 0x4000;
export const PROGRAMS = 0x4_0000;
export const PROGRAM_SIZE = 0x2000;
export const DATA_FRAMES = 0x6_0000;
export const RIG_END = 0x7_0000;

/** Windows, as linear addresses. */
export const LARGE_PAGE = 0x20_0000;
/** All of the lowest 2 MB once more, writable: code changes through it. */
export const LARGE_ALIAS = 0x40_0000;
export const LARGE_READ_ONLY = 0x60_0000;
/** No RAM and no device behind it. */
export const LARGE_HOLE = 0x80_0000;
/** 4 KB pages with all kinds of entries: see DATA_PAGES in rigTables. */
export const DATA = 0x800_0000;
export const GIGABYTE_ALIAS = 0x4000_0000;
export const APIC = 0xfee0_0000;
/** Bytes in the first data page that guarded loops count in. */
export const LOOP_COUNTERS = DATA + 0x800;

export const CODE_SELECTOR = 0x08;
export const DATA_SELECTOR = 0x10;
export const USER_DATA_SELECTOR = 0x23;
export const USER_CODE_SELECTOR = 0x2b;
export const FIRST_TSS = 0x30;

/** At this many exceptions a core gives up and halts for good. */
export const EXCEPTION_LIMIT = 80;
/** Words in the first of a core's stack pages: exceptions so far, code, resume table, stack, registers of the handler. */
export const AREA_EXCEPTIONS = 0;
export const AREA_PROGRAM = 8;
export const AREA_RESUME = 16;
export const AREA_STACK = 24;
export const AREA_RAX = 32;
export const AREA_RBX = 40;
export const AREA_RCX = 48;
/** Sixteen offsets where a program goes on after its end. */
export const AREA_RESTARTS = 64;
/** In a resume table: no piece follows. */
export const NO_PIECE = 0xffff;
