import {
  CORE_CAPABILITIES_RAR,
  IA32_CORE_CAPABILITIES,
  IA32_RAR_ACT_VEC,
  IA32_RAR_CTRL,
  IA32_RAR_INFO,
  IA32_RAR_PAYLOAD_BASE,
  RAR_CTRL_ENABLE,
  RAR_CTRL_IGNORE_IF,
  RAR_FAILURE,
  RAR_PAGES_SHIFT,
  RAR_PAYLOAD_ADDRESS,
  RAR_PAYLOAD_SIZE,
  RAR_PAYLOAD_SPACE,
  RAR_PAYLOADS,
  RAR_PENDING,
  RAR_SUBTYPE_SHIFT,
  RAR_SUCCESS,
  RAR_TYPE_INVEPT,
  RAR_TYPE_INVPCID,
  RAR_TYPE_INVVPID,
  RAR_TYPE_SHIFT,
} from '../arch/remoteActions.ts';
import type { Core } from './core.ts';
import { signedNumber } from './linearMemory.ts';

/** Bits of the first quadword of a payload that must be 0: 31:16 and 63:43. Bits 7:0 are the software's. */
const RESERVED = 0xffff_f800_ffff_0000n;

/**
 * A core's side of remote action requests: its MSRs, and the microcode that serves what the action vector says is pending. Memory is accessed at
 * physical addresses; a guest that runs stays where it is.
 *
 * Deviation: of the actions there are INVPCID (outside of guests), INVVPID and INVEPT on 4 KB pages; any other fails. One that comes while interrupts are
 * off and RAR_CTRL_IGNORE_IF is clear is served with the next request after they are on.
 */
export class RemoteActions {
  private control = 0n;
  private vector = 0n;
  private payloads = 0n;

  /** Value of an MSR of the feature; undefined when it is none. */
  readMsr(msr: number): bigint | undefined {
    switch (msr) {
      case IA32_CORE_CAPABILITIES:
        return BigInt(CORE_CAPABILITIES_RAR);
      case IA32_RAR_CTRL:
        return this.control;
      case IA32_RAR_ACT_VEC:
        return this.vector;
      case IA32_RAR_PAYLOAD_BASE:
        return this.payloads;
      case IA32_RAR_INFO:
        return BigInt(RAR_PAYLOADS - 1) << 32n;
      default:
        return undefined;
    }
  }

  /** False when the MSR does not exist, cannot be written, or does not take the value. */
  writeMsr(msr: number, value: bigint): boolean {
    switch (msr) {
      case IA32_RAR_CTRL:
        if (value & ~BigInt(RAR_CTRL_ENABLE + RAR_CTRL_IGNORE_IF)) return false;
        this.control = value;
        return true;
      case IA32_RAR_ACT_VEC:
        if (value & 63n) return false;
        this.vector = value;
        return true;
      case IA32_RAR_PAYLOAD_BASE:
        if (value & 4095n) return false;
        this.payloads = value;
        return true;
      default:
        return false;
    }
  }

  /** A request has arrived: everything that is pending for this core is done. Cost: `remoteAction`, and the price of each invalidation. */
  serve(core: Core): void {
    const control = Number(this.control);
    if (!(control & RAR_CTRL_ENABLE) || !(control & RAR_CTRL_IGNORE_IF || core.interruptsEnabled)) return;
    core.charge(core.costs.remoteAction);
    const vector = Number(this.vector);
    for (let number = 0; number < RAR_PAYLOADS; number++) {
      if (core.loadPhysical(1, vector + number) !== BigInt(RAR_PENDING)) continue;
      const done = act(core, Number(this.payloads) + number * RAR_PAYLOAD_SIZE);
      core.storePhysical(1, vector + number, BigInt(done ? RAR_SUCCESS : RAR_FAILURE));
    }
  }
}

/** Carries out a payload. False when it cannot be. */
function act(core: Core, payload: number): boolean {
  const first = core.loadPhysical(8, payload);
  const field = (shift: number, mask: number): number => Number(first >> BigInt(shift)) & mask;
  const subtype = field(RAR_SUBTYPE_SHIFT, 7);
  const pages = subtype === 0 ? Math.max(field(RAR_PAGES_SHIFT, 63), 1) : 1;
  // Page sizes other than 4 KB are among the reserved bits here.
  if (first & RESERVED || field(RAR_SUBTYPE_SHIFT + 3, 3) !== 0) return false;
  const space = core.loadPhysical(8, payload + RAR_PAYLOAD_SPACE);
  const la = signedNumber(core.loadPhysical(8, payload + RAR_PAYLOAD_ADDRESS) & ~0xfffn);
  const { invalidate } = core.mmu;
  switch (field(RAR_TYPE_SHIFT, 0xff)) {
    case RAR_TYPE_INVPCID:
      if (subtype > 3 || space > 0xfffn || core.nonRoot) return false;
      for (let page = 0; page < pages; page++) invalidate.invpcid(subtype, Number(space), la + page * 4096);
      core.charge(core.costs.invpcid * pages);
      return true;
    case RAR_TYPE_INVVPID:
      if (subtype > 3 || space > 0xffffn || (space === 0n && subtype !== 2)) return false;
      for (let page = 0; page < pages; page++) invalidate.invvpid(subtype, Number(space), la + page * 4096);
      core.charge(core.costs.invvpid * pages);
      return true;
    case RAR_TYPE_INVEPT:
      if (subtype !== 1 && subtype !== 2) return false;
      invalidate.invept(subtype, Number(space >> 12n));
      core.charge(core.costs.invept);
      return true;
    default:
      return false;
  }
}
