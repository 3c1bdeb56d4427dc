import type { Core } from '../../../src/cpu/core.ts';
import type { Vm } from '../../../src/vmm/vm.ts';
import { isAtLockedInstruction } from './lockedCode.ts';
import type { Delay } from './schemeCase.ts';

/** How a core loses time, one delay of its list after the other. */
export class Delays {
  private readonly list: readonly Delay[];
  private at = 0;
  private count = 0;

  constructor(list: readonly Delay[]) {
    this.list = list;
  }

  /** The core, which has executed an instruction of its guest, loses the cycles of the delay whose time has come. */
  stepped(core: Core, vm: Vm): void {
    const delay = this.list[this.at];
    if (delay === undefined || !core.nonRoot) return;
    const [where, count, cycles] = delay;
    if (where === 'locked' && !isAtLockedInstruction(core, vm)) return;
    if (++this.count < count) return;
    this.count = 0;
    this.at++;
    core.charge(cycles);
  }
}
