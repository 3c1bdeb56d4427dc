import type { Core } from '../../../src/cpu/core.ts';
import { isInGuest } from '../../../src/vmm/guestEntry.ts';
import type { Vcpu } from '../../../src/vmm/vcpu.ts';
import type { Vm } from '../../../src/vmm/vm.ts';
import { isAtLockedCompareExchange } from './lockedCode.ts';

/** Time until a core that waits looks again; and how long it waits at most: longer than any turn. */
const LOOK_CYCLES = 50;
const PATIENCE_CYCLES = 50_000;

/**
 * A core that has read of another vCPU that it is away, and is about to store what it makes of that, waits until the other is back: the window of a
 * request that is left for somebody who has come back meanwhile.
 */
export class Returns {
  private readonly counts: readonly number[];
  private at = 0;
  private count = 0;
  private awaited: readonly Vcpu[] = [];
  private until = 0;

  constructor(counts: readonly number[]) {
    this.counts = counts;
  }

  /** The core has executed an instruction of its guest. */
  stepped(core: Core, vm: Vm): void {
    if (this.at === this.counts.length || !core.nonRoot || !isAtLockedCompareExchange(core, vm)) return;
    const away = vm.vcpus.filter(
      (vcpu) => (vcpu.state === 'runnable' || vcpu.state === 'running') && vcpu.home.core !== core && !isInGuest(vcpu),
    );
    if (away.length === 0 || ++this.count < this.counts[this.at]!) return;
    this.count = 0;
    this.at++;
    this.awaited = away;
    this.until = core.clock + PATIENCE_CYCLES;
  }

  /** Cycles that pass before the core does anything else; 0 when it does not wait. */
  stillness(core: Core): number {
    if (this.awaited.length === 0) return 0;
    if (core.clock < this.until && !this.awaited.some(isInGuest)) return LOOK_CYCLES;
    this.awaited = [];
    return 0;
  }
}
