import { POWER_OFF_VALUE } from '../arch/platform.ts';
import type { PortDevice } from './portBus.ts';

/**
 * Ends the run with status 0 when POWER_OFF_VALUE is written: sleep-enable with sleep type 0, as in the PM1a control register of
 * QEMU's machines. Any other value is ignored. Reads 0.
 */
export class PowerOff implements PortDevice {
  private readonly off: () => void;

  constructor(off: () => void) {
    this.off = off;
  }

  read(): number {
    return 0;
  }

  write(offset: number, value: number, size: number): void {
    if (offset === 0 && size >= 2 && (value & 0xffff) === POWER_OFF_VALUE) this.off();
  }
}
