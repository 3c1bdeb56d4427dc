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
/**
 * A wait loop starts (RDI = a WAIT_ code); time until MARK_SPIN_END is time spent spinning. For WAIT_LOCK, RSI = address of the lock and RDX =
 * what the wait is like (LOCK_WAIT_…).
 */
export const MARK_SPIN_BEGIN = 3;
export const MARK_SPIN_END = 4;
/** The measured part of a run starts or ends. */
export const MARK_ROI_BEGIN = 5;
export const MARK_ROI_END = 6;
/** A figure the guest measured itself: RDI = number of the figure, RSI = value. */
export const MARK_FIGURE = 7;
/** The guest found a stale translation: RDI = linear address, RSI = what it read. */
export const MARK_STALE = 8;
/**
 * A core has tried to take the lock at RDI. RDX = 0: it holds it now; LOCK_GAVE_UP: it does not wait for it; anything else: it waits, behind
 * those that tried before it. Directly after the instruction that decides, in the same block, so that no preemption comes between.
 */
export const MARK_LOCK_TRIED = 9;
/** The core holds the lock at RDI no more. Directly after the instruction that lets go. */
export const MARK_LOCK_RELEASED = 10;
/** A core that waits for the lock at RDI waits for its turn no longer, but for any moment at which the lock is free. */
export const MARK_LOCK_TIMED_OUT = 11;
/** A core that waits for the lock at RDI has joined its line, at the end. For locks where that comes later than the first try. */
export const MARK_LOCK_QUEUED = 12;

/** A core starts to do what another core's shootdown asks of it, and is done with that. */
export const MARK_SERVE_BEGIN = 13;
export const MARK_SERVE_END = 14;

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
  'lock-tried',
  'lock-released',
  'lock-timed-out',
  'lock-queued',
  'serve-begin',
  'serve-end',
];

/** What a guest waits for between MARK_SPIN_BEGIN and MARK_SPIN_END. */
export const WAIT_SHOOTDOWN_ACK = 1;
export const WAIT_LOCK = 2;
export const WAIT_BARRIER = 3;

/** RDX of a MARK_LOCK_TRIED by a core that does not wait. */
export const LOCK_GAVE_UP = -1;
/**
 * RDX of a lock's MARK_SPIN_BEGIN: instructions of one poll besides its PAUSE, in the low byte; whether the lock is given in order of arrival; and if
 * so, whether bits 31:16 are the ticket that says what the order is, a number modulo 2^16. Without one, it is that of the first tries.
 */
export const LOCK_WAIT_POLL = 0xff;
export const LOCK_WAIT_IN_ORDER = 0x100;
export const LOCK_WAIT_TICKET = 0x200;
export const LOCK_WAIT_TICKET_SHIFT = 16;
