/** A core without a machine: flat memory, linear address = physical address unless a test maps otherwise, faults recorded. */

import type { Core } from '../../src/cpu/core.ts';
import { BlockCache } from '../../src/cpu/decode/blockCache.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import type { InstructionCosts } from '../../src/cpu/decode/instructionCosts.ts';
import { ReferenceEngine } from '../../src/cpu/engines/reference/referenceEngine.ts';
import { readRip, writeRip } from '../../src/cpu/engines/reference/ripWords.ts';
import { FAULT_STOP, type GuestFault, guestFault } from '../../src/cpu/guestFault.ts';
import type { Operation } from '../../src/cpu/operation.ts';
import { CORE_STATE_SIZE, CoreState, I32_CODE_SIZE, I32_RFLAGS, I32_SEGMENT_ACCESS, I32_SEGMENT_LIMIT } from '../../src/cpu/state.ts';
import { ACCESS_FETCH, ACCESS_USER, ACCESS_WRITE, FAULT_PAGE, type TranslationFault } from '../../src/mmu/access.ts';
import { resetPagingContext } from '../../src/mmu/pagingContext.ts';
import { PhysicalMemory } from '../../src/mmu/physicalMemory.ts';
import { noProbe, type Probe } from '../../src/trace/probe.ts';

export const FLAT_COSTS: InstructionCosts = { instruction: 1, locked: 20, divide: 30, fence: 10, pause: 10 };

/** What a fault looked like when it was delivered. */
export interface RecordedFault {
  readonly vector: number;
  readonly errorCode: number;
  readonly la: number;
  readonly rip: number;
}

export interface DeviceAccess {
  readonly hpa: number;
  readonly width: number;
  readonly value: bigint | undefined;
}

/** The one long operation that the double knows: HLT stops the run. */
const operations: Record<string, Operation> = {
  Hlt: (core, insn) => {
    writeRip(core.state.i32, readRip(core.state.i32) + insn.length);
    core.attention = true;
  },
};

/** Page number → physical page, or 'absent', or 'read-only' (identity). Everything else is identity. */
export type PageMap = Map<number, number | 'absent' | 'read-only'>;

export class FlatCore {
  readonly id = 0;
  readonly state: CoreState;
  readonly memory: PhysicalMemory;
  readonly mmu: FlatMmu;
  readonly cache: BlockCache;
  readonly engine: ReferenceEngine;
  probe: Probe = noProbe;
  horizon = Number.POSITIVE_INFINITY;
  attention = false;
  singleStep = false;
  userAccess = 0;
  readonly watch = null;
  readonly faults: RecordedFault[] = [];
  readonly deviceAccesses: DeviceAccess[] = [];
  readonly unimplemented: { form: string; bytes: Uint8Array }[] = [];

  constructor(codeSize: 16 | 32 | 64 = 64, memorySize = 0x10_0000, extra: Record<string, Operation> = {}) {
    const buffer = new ArrayBuffer(CORE_STATE_SIZE + memorySize);
    this.state = new CoreState(buffer, 0);
    this.memory = new PhysicalMemory(buffer, CORE_STATE_SIZE, memorySize);
    this.mmu = new FlatMmu();
    this.cache = new BlockCache(this.memory, new Decoder({ ...operations, ...extra }, FLAT_COSTS));
    this.engine = new ReferenceEngine(this.cache);
    const { i32 } = this.state;
    i32[I32_RFLAGS] = 2;
    i32[I32_CODE_SIZE] = codeSize;
    for (let segment = 0; segment < 6; segment++) {
      i32[I32_SEGMENT_LIMIT + segment] = codeSize === 16 ? 0xffff : -1;
      // Present, S, data read/write (code for CS); D/B as the code size.
      i32[I32_SEGMENT_ACCESS + segment] = (segment === 1 ? 0x9b : 0x93) | (codeSize === 32 ? 0x4000 : 0);
    }
  }

  /** This double where a `Core` is wanted. */
  get asCore(): Core {
    return this as unknown as Core;
  }

  /** Puts code at `address` and RIP there. */
  loadCode(address: number, bytes: readonly number[] | Uint8Array): void {
    this.memory.write(address, Uint8Array.from(bytes));
    writeRip(this.state.i32, address);
  }

  /** Runs until HLT, a fault or the horizon. */
  run(): void {
    this.attention = false;
    this.engine.run(this.asCore);
  }

  /** Executes one instruction. */
  step(): void {
    this.singleStep = true;
    this.run();
    this.singleStep = false;
  }

  get rip(): number {
    return readRip(this.state.i32);
  }

  loadDevice(hpa: number, width: number): bigint {
    this.deviceAccesses.push({ hpa, width, value: undefined });
    return BigInt.asUintN(width, 0x8877_6655_4433_2211n);
  }

  storeDevice(hpa: number, width: number, value: bigint): void {
    this.deviceAccesses.push({ hpa, width, value });
  }

  deliverFault(fault: GuestFault): void {
    this.attention = true;
    if (fault.vector === FAULT_STOP) return;
    this.faults.push({ vector: fault.vector, errorCode: fault.errorCode, la: fault.la, rip: this.rip });
  }

  stopUnimplemented(insn: Instruction, bytes: Uint8Array): never {
    this.unimplemented.push({ form: insn.form, bytes });
    throw guestFault.set(FAULT_STOP, -1);
  }
}

class FlatMmu {
  readonly context = resetPagingContext();
  readonly fault: TranslationFault = { kind: FAULT_PAGE, la: 0, errorCode: 0, gpa: 0, qualification: 0 };
  /** Every translation asked for, when a test wants to see them. */
  log: { la: number; access: number }[] | undefined;
  readonly map: PageMap = new Map();

  translate(la: number, access: number): number {
    this.log?.push({ la, access });
    const page = Math.floor(la / 4096);
    const target = this.map.size === 0 ? undefined : this.map.get(page);
    if (target === 'absent' || (target === 'read-only' && (access & ACCESS_WRITE) !== 0)) {
      this.fault.kind = FAULT_PAGE;
      this.fault.la = la;
      this.fault.errorCode =
        (target === 'absent' ? 0 : 1) |
        ((access & ACCESS_WRITE) !== 0 ? 2 : 0) |
        ((access & ACCESS_USER) !== 0 ? 4 : 0) |
        ((access & ACCESS_FETCH) !== 0 ? 16 : 0);
      return -1;
    }
    return typeof target === 'number' ? target * 4096 + (la - page * 4096) : la;
  }
}
