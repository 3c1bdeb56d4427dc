/**
 * Marks: how a guest tells an observer where it is, at the price of one NOP and without leaving guest mode.
 *
 * A mark is the multi-byte NOP `0F 1F 80 disp32` (`nop dword [rax + disp32]`) whose displacement is MARK_BASE + number.
 * A processor without an observer executes it as the NOP it is. RDI, RSI and RDX are the mark's arguments.
 */
export const MARK_BASE = 0x50_41_00_00;
export const MARK_LIMIT = MARK_BASE + 0x100;

/** A shootdown starts: RDI = first linear address, RSI = end (exclusive; ~0 for everything), RDX = number of targets. */
export const MARK_SHOOTDOWN_BEGIN = 1;
/** The same core's shootdown is complete: no core may use the old translations any more. */
export const MARK_SHOOTDOWN_END = 2;
/** A wait loop starts (RDI = a WAIT_ code); time until MARK_SPIN_END is time spent spinning. */
export const MARK_SPIN_BEGIN = 3;
export const MARK_SPIN_END = 4;
/** The measured part of a run starts or ends. */
export const MARK_ROI_BEGIN = 5;
export const MARK_ROI_END = 6;
/** A figure the guest measured itself: RDI = number of the figure, RSI = value. */
export const MARK_FIGURE = 7;
/** The guest found a stale translation: RDI = linear address, RSI = what it read. */
export const MARK_STALE = 8;

export const MARK_NAMES: readonly string[] = [
  'none',
  'shootdown-begin',
  'shootdown-end',
  'spin-begin',
  'spin-end',
  'roi-begin',
  'roi-end',
  'figure',
  'stale',
];

/** What a guest waits for between MARK_SPIN_BEGIN and MARK_SPIN_END. */
export const WAIT_SHOOTDOWN_ACK = 1;
export const WAIT_LOCK = 2;
export const WAIT_BARRIER = 3;
