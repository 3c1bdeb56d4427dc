/** What stores of one core to a monitored line mean for the others that wait for it. */
import type { Core } from '../cpu/core.ts';
import type { PhysicalMemory } from '../mmu/physicalMemory.ts';

export interface StoreObserver {
  /** The core whose turn it is; undefined while a loader or another part of the host writes. */
  running(): Core | undefined;
  /** A core that waits has something to do at `time`. */
  wakeAt(core: Core, time: number): void;
}

/**
 * Stores to monitored lines are seen by the monitors of all cores, `transferCycles` after the store.
 *
 * Between MONITOR and the store the order is that of memory: who has read the old value is told of the new one, even when the storing core's clock is
 * a little behind. The waiting core goes on no earlier than its own clock.
 */
export function watchMonitoredStores(
  memory: PhysicalMemory,
  cores: readonly Core[],
  transferCycles: number,
  observer: StoreObserver,
): void {
  memory.onMonitoredWritten = (hpa, bytes) => {
    const writer = observer.running();
    const page = Math.floor(hpa / 4096);
    let monitored = false;
    for (const core of cores) {
      if (core.monitor.awaits(hpa, bytes)) {
        const seen = (writer === undefined ? core.clock : writer.clock) + (writer === core ? 0 : transferCycles);
        core.monitor.stored(seen);
        if (core !== writer) observer.wakeAt(core, Math.max(seen, core.clock));
      }
      monitored ||= core.monitor.isInPage(page);
    }
    return monitored;
  };
}
