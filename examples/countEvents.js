// An observer of one's own: what happens how often while a guest runs.
import { EVENTS, planRun, Session, selectEvents } from 'parapet';

const counts = new Map();
const probe = {
  mask: selectEvents('default'),
  event(event) {
    const { name } = EVENTS[event];
    counts.set(name, (counts.get(name) ?? 0) + 1);
  },
};

const plan = planRun({ guest: 'smp', cores: 2, params: {}, seed: 0, append: '', maxCycles: Number.POSITIVE_INFINITY, checkTlb: false });
const session = new Session(plan, { serial() {}, probe });
while (session.advance(1000));
for (const [name, count] of [...counts].sort()) console.log(`${name}: ${count}`);
