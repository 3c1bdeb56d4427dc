import { readFileSync } from 'node:fs';

/** The page that `npm run docs` writes; it lies beside the program, compiled or not. */
const PAGE = new URL('../../../docs/deviations.md', import.meta.url);

export interface DeviationGroup {
  readonly title: string;
  readonly deviations: readonly string[];
}

/** Where the model departs from hardware, as docs/deviations.md lists it: a figure is to be read with this at hand. */
export function modelDeviations(page: string = readFileSync(PAGE, 'utf8')): readonly DeviationGroup[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n');
      return { title, deviations: lines.filter((line) => line.startsWith('- ')).map((line) => line.slice(2)) };
    });
}
