/**
 * The one object that leaves an instruction when it faults. It is thrown, never allocated: an engine catches it per block, not per
 * instruction, and hands it to event delivery.
 */
export class GuestFault {
  /** Exception vector; or one of the FAULT_ codes below, which are above all vectors. */
  vector = 0;
  /** Error code, or -1 when the vector pushes none. */
  errorCode = -1;
  /** #PF: the faulting linear address, signed. */
  la = 0;

  set(vector: number, errorCode: number, la = 0): this {
    this.vector = vector;
    this.errorCode = errorCode;
    this.la = la;
    return this;
  }
}

/** The access left the guest: the MMU's fault record has an EPT violation or misconfiguration. */
export const FAULT_EPT = 0x100;
/** The machine stopped (debug exit, unimplemented instruction, …); the reason is with the machine. */
export const FAULT_STOP = 0x101;
/** A VM exit was carried out in the middle of the operation: nothing is left to do. */
export const FAULT_VM_EXIT = 0x102;

export const guestFault = new GuestFault();
