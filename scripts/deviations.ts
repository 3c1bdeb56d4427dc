import { filesUnder, readSource } from './sources.ts';

interface Deviation {
  readonly path: string;
  readonly text: string;
}

const ROOM_TITLES: readonly (readonly [room: string, title: string])[] = [
  ['arch', 'Architecture'],
  ['mmu', 'Paging and translation caches'],
  ['apic', 'Interrupt controllers'],
  ['cpu', 'Processor'],
  ['devices', 'Devices'],
  ['machine', 'Machine and time'],
  ['trace', 'Observation'],
  ['vmm', 'Virtual machine monitor'],
];

/** Every departure from hardware that the source names, as `docs/deviations.md` lists them. */
export function deviationsPage(): string {
  const deviations = filesUnder('src').flatMap((path) => deviationsIn(path));
  const known = ROOM_TITLES.map(([room]) => room);
  const stray = deviations.find(({ path }) => !known.includes(path.split('/')[1]!));
  if (stray !== undefined) throw new Error(`${stray.path}: no title for deviations of this room`);
  const lines = [
    '# Deviations',
    '',
    'Where the machine departs from hardware. Collected from the `Deviation:` lines of the source by `npm run docs`; do not edit.',
  ];
  for (const [room, title] of ROOM_TITLES) {
    const ofRoom = deviations.filter(({ path }) => path.startsWith(`src/${room}/`));
    if (ofRoom.length === 0) continue;
    lines.push('', `## ${title}`, '');
    for (const { path, text } of ofRoom) lines.push(`- ${text} (\`${path}\`)`);
  }
  return `${lines.join('\n')}\n`;
}

/** A deviation is a paragraph of a comment that starts with the word; it ends at an empty line, at a tag or a label, or with the comment. */
function deviationsIn(path: string): Deviation[] {
  const found: Deviation[] = [];
  for (const [comment] of readSource(path).matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const text = comment
      .replace(/^\/\*\*|\*\/$/g, '')
      .split('\n')
      .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
      .join('\n');
    for (const part of text.split('Deviation:').slice(1)) {
      const paragraph = part.split(/\n\s*\n|\n(?=@|[A-Z][A-Za-z]+:)/)[0]!;
      found.push({ path, text: sentence(paragraph) });
    }
  }
  return found;
}

function sentence(paragraph: string): string {
  const flat = paragraph.replaceAll(/\s+/g, ' ').trim();
  return flat.charAt(0).toUpperCase() + flat.slice(1);
}
