import { COUNTERS } from '../src/trace/counters.ts';
import { EVENTS, INVALIDATION_NAMES } from '../src/trace/events.ts';

/** Every event that a trace can hold and every counter of a core, as `docs/events.md` lists them. */
export function eventsPage(): string {
  const lines = [
    '# Events and counters',
    '',
    'What can be observed without changing it. `--trace-events` takes names and groups of events, separated by commas, `all`, `default` (all but',
    '`instruction` and `tlb-fill`), and a `-` in front takes away. Every event has a core and a time in cycles besides its fields. Generated from',
    '`src/trace` by `npm run docs`; do not edit.',
    '',
    '## Events',
    '',
    '| event | group | fields | when |',
    '|---|---|---|---|',
    ...EVENTS.map(({ name, group, fields, doc }) => `| \`${name}\` | ${group} | ${fields.map(([field]) => field).join(', ')} | ${doc} |`),
    '',
    '## Operations of `invalidate` events',
    '',
    ...INVALIDATION_NAMES.map((name) => `- \`${name}\``),
    '',
    '## Counters of a core',
    '',
    '| counter | counts |',
    '|---|---|',
    ...COUNTERS.map(([name, doc]) => `| \`${name}\` | ${doc} |`),
  ];
  return `${lines.join('\n')}\n`;
}
