import type { Profile } from '../src/machine/profiles/profile.ts';
import { PROFILES } from '../src/machine/profiles/registry.ts';

/** Every price and size of every profile with its source, as `docs/costs.md` lists them. */
export function costsPage(): string {
  const lines = [
    '# Prices and sizes',
    '',
    'What the machine profiles charge for things, in cycles, and where each number comes from: [F] found in the place named, [R] recalled from',
    'measurements of such processors (-lo: weakly), [A] assumed, with the range that is plausible. Generated from `src/machine/profiles` by',
    '`npm run docs`; do not edit.',
  ];
  for (const profile of PROFILES.values()) lines.push(...profileLines(profile));
  return `${lines.join('\n')}\n`;
}

function profileLines({ name, doc, frequencyHz, mmu, costs }: Profile): string[] {
  return [
    '',
    `## ${name}`,
    '',
    `${doc}. ${frequencyHz / 1e9} GHz.`,
    '',
    '| structure | size |',
    '|---|---|',
    ...Object.entries(mmu).map(([structure, size]) => `| ${structure} | ${sizeText(size)} |`),
    '',
    '| price | cycles | source |',
    '|---|---:|---|',
    ...Object.entries(costs).map(([price, { cycles, source }]) => `| ${price} | ${cycles} | ${source} |`),
  ];
}

function sizeText(size: { readonly sets: number; readonly ways: number } | number | boolean): string {
  if (typeof size === 'boolean') return size ? 'yes' : 'no';
  if (typeof size === 'number') return `${size} entries`;
  return `${size.sets * size.ways} entries, ${size.sets === 1 ? 'fully associative' : `${size.sets} sets of ${size.ways}`}`;
}
