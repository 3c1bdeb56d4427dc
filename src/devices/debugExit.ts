import type { PortDevice } from './portBus.ts';

/** Ends the run with the guest's own status when it is written, mapped as QEMU does: (value << 1) | 1, so never 0. Reads 0. */
export class DebugExit implements PortDevice {
  private readonly exit: (status: number) => void;

  /** @param exit told the status; 33 bits for a 32-bit write. */
  constructor(exit: (status: number) => void) {
    this.exit = exit;
  }

  read(): number {
    return 0;
  }

  write(_offset: number, value: number): void {
    this.exit(value * 2 + 1);
  }
}
