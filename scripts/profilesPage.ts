import { parsecArguments, profileNumbers } from '../src/kernels/workloads/parsecArguments.ts';
import { PARSEC_PROFILES, type ParsecProfile } from '../src/kernels/workloads/parsecProfiles.ts';

/** Every number of every profile of the guest `parsec` with its source, as `docs/profiles.md` lists them. */
export function profilesPage(): string {
  const lines = [
    '# Profiles of the PARSEC programs',
    '',
    'What the guest `parsec` knows of each program, and where each number comes from: [R-hi] recalled from the suite’s characterization (technical report',
    'TR-811-08, inputs of size simlarge, 8 threads), not verified; [M] measured on this project’s own `dedup`; [D] derived from numbers that are here; [A]',
    'assumed, with the range that is plausible. Rates are for each thread, per second of its own work at 2.6 G instructions a second. Generated from',
    '`src/kernels/workloads/parsecProfiles.ts` by `npm run docs`; do not edit.',
  ];
  for (const profile of PARSEC_PROFILES) lines.push(...profileLines(profile));
  return `${lines.join('\n')}\n`;
}

function profileLines(profile: ParsecProfile): string[] {
  const { name, doc, structure } = profile;
  const shape = structure.kind === 'pipeline' ? `Pipeline of ${structure.stages} inner stages.` : 'Data-parallel.';
  const args = parsecArguments(profile, { threads: 0, millions: 2600, memoryPercent: 100, seed: 1 });
  return [
    '',
    `## ${name}`,
    '',
    `${doc[0]!.toUpperCase()}${doc.slice(1)}. ${shape}`,
    '',
    '| what | value | source |',
    '|---|---:|---|',
    ...profileNumbers(profile).map(([field, { value, source }]) => `| ${field} | ${value} | ${source} |`),
    '',
    `For one second: \`${args.slice(1, -1).join(' ')}\``,
  ];
}
