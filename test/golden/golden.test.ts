import { expect, test } from 'vitest';
import { tracedRun, virtual } from '../session/quickRun.ts';

// A change of these files is a change of the model or of its prices: read the difference before `vitest run test/golden --update`.
test('hello on a bare core: exceptions, interrupts, activity, invalidations', async () => {
  const { traces } = tracedRun('hello', {}, 'exception,interrupt,activity,tlb,-tlb-fill');
  await expect(traces[0]!.toString()).toMatchFileSnapshot('hello.txt');
});

test('smp in a virtual machine of two vCPUs on one core: everything but instructions and TLB fills', async () => {
  const { traces } = tracedRun('smp', { vmm: virtual(1, 2, 50_000) }, 'default');
  const lines = traces[0]!.toString().split('\n');
  await expect(`${lines.slice(0, 120).join('\n')}\n`).toMatchFileSnapshot('smp-virtual.txt');
});
