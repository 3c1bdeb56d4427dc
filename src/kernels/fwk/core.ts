/** What this kernel keeps for each core, inside the per-core area and so reached through GS. */
import type { Assembler } from '../../asm/assembler.ts';
import { inSegment, type Memory, mem } from '../../asm/operand.ts';
import { aligned, type Field, record, sizeOf, u32, u64 } from '../../asm/record.ts';
import { gs, type Register, type Width } from '../../asm/register.ts';
import { KERNEL_SPACE, PERCPU_SHIFT, PerCpu } from '../lib/percpu.ts';

export const KernelCore = record({
  /** The thread that runs. */
  current: u64,
  /** The thread that runs when there is no other. */
  idle: u64,
  /** The kernel thread of this core. */
  worker: u64,
  /** The address space that was loaded last (an Mm), 0 before the first. */
  loadedMm: u64,
  /** An address space to be let go once the switch is over. */
  droppedMm: u64,
  /** 1 while a thread without user memory runs on `loadedMm`, and 1 when `loadedMm` has been left for the kernel's own tables. */
  lazy: u32,
  left: u32,
  /** Work to be done before user mode is entered: the scheduler, the worker. Tested as one 64-bit word. */
  needResched: u32,
  workDue: u32,
  ticks: u64,
  /** Ticks left of the slice of `current`. */
  sliceLeft: u64,
  /** 1 when the timer is not armed: the core has been idle for a tick. */
  tickStopped: u64,
  /** Ticks until the worker's next turn. */
  workerLeft: u64,
  /** Frames that only this core takes from. */
  frameList: u64,
  frameCount: u64,
  switches: u64,
  /** The run queue: threads that are runnable and not running. Others put threads here, and take some. */
  queueLock: aligned(64, u64),
  queueHead: u64,
  queueTail: u64,
  queueLength: u64,
});
if (sizeOf(KernelCore) > KERNEL_SPACE) throw new Error('the record outgrew its place in the per-core area');

/** A field of the running core's record. */
export const core = <W extends Width | 0>(field: Field<W>): Memory<W> => inSegment(gs, field, PerCpu.kernel.offset);

/** The word that `needResched` and `workDue` make. */
export const anyWork = (): Memory<64> => inSegment(gs, { ...KernelCore.needResched, width: 64 as const }, PerCpu.kernel.offset);

/** `register`, a core's number, has become the address of that core's record. */
export function coreRecord(a: Assembler, register: Register<64>): void {
  a.shl(register, PERCPU_SHIFT);
  a.lea(register, mem(register, { kind: 'symbol', symbol: 'percpu_areas', minus: undefined, addend: PerCpu.kernel.offset }));
}
