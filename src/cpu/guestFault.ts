/**
 * The one object that leaves an instruction when it faults. It is thrown, never allocated: an engine catches it per block, not per
 * instruction, and hands it to event delivery.
 */
export class GuestFault {
  /** Exception vector; or one of the FAULT_ codes below, which are above all vectors. */
  vector = 0;
  /** Error code, or -1 when the vector pushes none. */
  errorCode = -1;
  /** #PF: the faulting linear address, signed. #DB: its causes, as in DR6. */
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
/** Nothing is left to do: the machine stopped, and the reason is with it. */
export const FAULT_STOP = 0x101;

export const guestFault = new GuestFault();
