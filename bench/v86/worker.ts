/** Runs one kernel under v86 in a process of its own. Arguments: guest, iterations; the measurement goes to standard output as JSON. */
import { runNarrow } from './machine.ts';

const [guest, iterations] = process.argv.slice(2);
const measurement = await runNarrow(guest!, Number(iterations));
process.stdout.write(`${JSON.stringify(measurement)}\n`, () => process.exit());
