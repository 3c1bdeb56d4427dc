/** Figures besides the kernels: whole guests, warm-up, memory. */
import type { EngineName } from '../src/cpu/engines/registry.ts';
import { runWorker } from './runWorker.ts';

const MEGABYTE = 2 ** 20;
const WARM_UP_SECONDS = 0.1;

/** Figures of one engine; the units are in the names. `seconds` of host time for each, at most. */
export async function engineFigures(engine: EngineName, seconds: number): Promise<Record<string, number>> {
  const shootdown = (cores: number, iterations: number) => ({ guest: 'shootdown', engine, cores, params: { iterations: `${iterations}` } });
  const one = await runWorker({ kind: 'whole', run: shootdown(1, 1_000_000), seconds: Math.max(3, seconds) });
  const virtual = { ...shootdown(8, 1_000_000), vmm: { vms: 2, vcpus: 8 } };
  const eight = await runWorker({ kind: 'whole', run: virtual, seconds });
  const boot = await runWorker({ kind: 'whole', run: { guest: 'smp', engine, cores: 4, params: {} }, seconds: WARM_UP_SECONDS });
  const many = await runWorker({ kind: 'whole', run: { ...shootdown(64, 2), memory: 256 * MEGABYTE }, seconds });
  const changing = await runWorker({
    kind: 'whole',
    run: { guest: 'bench-codegen', engine, cores: 1, params: { iterations: '4000000000' } },
    seconds,
  });
  return {
    [`${engine}: shootdown on one core, M instr/s`]: one.instructions / one.seconds / 1e6,
    [`${engine}: shootdown, 2 VMs of 8 vCPUs on 8 cores, M guest cycles/s`]: eight.allCycles / eight.seconds / 1e6,
    [`${engine}: first 100 ms of smp on 4 cores, M instr`]: boot.instructions / 1e6,
    [`${engine}: 64 cores with 256 MB, process memory in MB`]: many.memoryBytes / MEGABYTE,
    [`${engine}: code that changes all the time, process memory in MB`]: changing.memoryBytes / MEGABYTE,
  };
}
