/** How rates change with the number of cores, and what a machine of many cores achieves in all. */
import type { EngineName } from '../src/cpu/engines/registry.ts';
import { runWorker } from './runWorker.ts';

const MEGA = 1e6;
/** Whole machines take a while before they do what they are measured for. */
const LEAST_SECONDS = 3;

/** Ratios and rates of one engine by name. `seconds` of host time for each measurement, about. */
export async function scalingOf(engine: EngineName, seconds: number): Promise<Record<string, number>> {
  const rate = async (guest: string, cores: number, first: number): Promise<number> => {
    const run = { guest, engine, cores, params: {} };
    const measured = await runWorker({ kind: 'time', run, first, seconds });
    return measured.instructions! / measured.seconds;
  };
  const busyOne = await rate('bench-busy', 1, 20_000);
  const busyFour = await rate('bench-busy', 4, 20_000);
  const lockOne = await rate('bench-lock', 1, 500);
  const lockFour = await rate('bench-lock', 4, 500);
  const long = Math.max(LEAST_SECONDS, seconds);
  const vmm = { vms: 2, vcpus: 8 };
  const shootdown = await runWorker({
    kind: 'whole',
    run: { guest: 'shootdown', engine, cores: 8, params: { iterations: '1000000' }, vmm },
    seconds: long,
  });
  const idle = await runWorker({
    kind: 'whole',
    run: { guest: 'bench-idle', engine, cores: 8, params: { iterations: '4000000000' } },
    seconds: long,
  });
  return {
    'four busy cores / one, instruction rates': busyFour / busyOne,
    'four cores at one spinlock / one, instruction rates': lockFour / lockOne,
    'shootdown, 2 VMs of 8 vCPUs on 8 cores, M busy cycles/s': shootdown.busyCycles / shootdown.seconds / MEGA,
    'shootdown, 2 VMs of 8 vCPUs on 8 cores, M cycles/s': shootdown.allCycles / shootdown.seconds / MEGA,
    '8 cores, mostly idle, M busy cycles/s': idle.busyCycles / idle.seconds / MEGA,
    '8 cores, mostly idle, M cycles/s': idle.allCycles / idle.seconds / MEGA,
  };
}
