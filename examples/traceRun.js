// A trace in text form, of VM exits only, from a guest in a virtual machine.
import { createTraceWriter, planRun, Session, selectEvents } from 'parapet';

const plan = planRun({
  guest: 'hello',
  cores: 1,
  vmm: { vms: 1 },
  params: {},
  seed: 0,
  append: '',
  maxCycles: Number.POSITIVE_INFINITY,
  checkTlb: false,
});
const lines = [];
const sink = { write: (bytes) => lines.push(Buffer.from(bytes).toString()) };
const trace = createTraceWriter('.txt', sink, selectEvents('vm-exit'), plan.profile.frequencyHz);
const session = new Session(plan, { serial() {}, probe: trace });
while (session.advance(1000));
trace.close();
process.stdout.write(lines.join('').split('\n').slice(0, 5).join('\n'));
process.stdout.write('\n');
