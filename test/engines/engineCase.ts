/** A random run of a random machine, as plain data: what a failure writes down and a regression test reads back. */
import type { MmuGeometry } from '../../src/mmu/geometry.ts';

/** A reference to another piece of the program, filled in when the program is laid out. */
export interface PieceReference {
  /** Place of the reference in the piece's bytes. */
  readonly at: number;
  readonly kind: 'rel8' | 'rel32' | 'abs64';
  /** Number of the piece, modulo their count; `plus` bytes are added to its address. */
  readonly target: number;
  readonly plus: number;
}

/** A few instructions that belong together. A fault in a piece goes on with the next one. */
export interface ProgramPiece {
  /** Bytes in hexadecimal. */
  readonly code: string;
  readonly reference?: PieceReference;
}

export interface Program {
  readonly pieces: readonly ProgramPiece[];
  /** Where in its two pages the program starts: near 4096, blocks and instructions cross the page end. */
  readonly offset: number;
  /** Privilege level 3 instead of 0. */
  readonly user: boolean;
  readonly interruptsOn: boolean;
  /** RAX, RCX, RDX, RBX, RBP, RSI, RDI, R8–R15 at the start, in hexadecimal. */
  readonly registers: readonly string[];
}

/** A local APIC timer: periodic or one-shot, in ticks of the undivided timer. */
export interface TimerCase {
  readonly vector: number;
  readonly ticks: number;
  readonly periodic: boolean;
}

export interface VirtualCase {
  readonly vms: number;
  readonly vcpus: number;
  readonly slice: number;
  /** Gap and window in cycles. */
  readonly pauseLoopExiting?: { readonly gap: number; readonly window: number };
  /** Bit n: EPT maps the VMs' n-th 2 MB in pages of 4 KB. */
  readonly smallPages?: number;
  /** EPT's accessed and dirty flags are enabled. */
  readonly accessedDirty?: boolean;
}

export interface EngineCase {
  readonly cores: number;
  /** Core (or vCPU) i runs program i modulo their count; equal numbers share their code pages. */
  readonly programs: readonly Program[];
  /** Loaded, one set of programs after the other, into the machine as the ones before have left it, each for `maxCycles` more. On the bare machine only. */
  readonly reloads?: readonly (readonly Program[])[];
  readonly timers: readonly (TimerCase | null)[];
  readonly geometry: MmuGeometry;
  readonly quantum: number;
  readonly ipiLatency: number;
  /** Cache lines that move between cores have a price. */
  readonly coherence?: boolean;
  readonly x2apic: boolean;
  /** CR4 bits beyond those of the direct entry. */
  readonly cr4: number;
  /** Under the VMM, or on the bare machine. */
  readonly virtual: VirtualCase | null;
  /** Mask of the events to be traced. */
  readonly events: number;
  /** The run pauses whenever this many cycles have passed. */
  readonly pause: number;
  readonly maxCycles: number;
  /** Runs of a block before a compiling engine compiles it. */
  readonly heat: number;
  /** Regions that the JIT engine keeps at most. */
  readonly regionLimit?: number;
}
