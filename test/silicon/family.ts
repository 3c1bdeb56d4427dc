/** What a long run compares: a set of instructions with cases, a way to ask the processor, and a way to ask the model. */
import type { EngineName } from '../../src/cpu/engines/registry.ts';

/** A case in which processor and model differ. */
export interface Finding {
  readonly form: string;
  readonly engine: EngineName;
  /** The first word of what differs: findings of one form and kind are shown once. */
  readonly kind: string;
  /** Makes the case smaller, and says what it is; asked for what is shown only. */
  explain(): { readonly text: string; readonly file: string; readonly contents: string };
}

/** How far a row of the table has come. */
export interface Row {
  cases: number;
  differences: number;
  /** Cases in which the processor did not repeat what it did. */
  unsteady: number;
  /** Cases by mnemonic. */
  readonly mnemonics: Map<string, number>;
}

/** A tally as plain data. */
export type TallyText = readonly (readonly [
  name: string,
  row: Omit<Row, 'mnemonics'> & { readonly mnemonics: readonly (readonly [string, number])[] },
])[];

/** Rows by name. */
export class Tally {
  readonly rows = new Map<string, Row>();

  /** What `text` was made from. */
  static of(text: TallyText): Tally {
    const tally = new Tally();
    for (const [name, row] of text) tally.rows.set(name, { ...row, mnemonics: new Map(row.mnemonics) });
    return tally;
  }

  /** All of them together. */
  static sum(tallies: readonly Tally[]): Tally {
    const sum = new Tally();
    for (const { rows } of tallies) {
      for (const [name, { cases, differences, unsteady, mnemonics }] of rows) {
        const row = sum.row(name);
        row.cases += cases;
        row.differences += differences;
        row.unsteady += unsteady;
        for (const [mnemonic, count] of mnemonics) row.mnemonics.set(mnemonic, (row.mnemonics.get(mnemonic) ?? 0) + count);
      }
    }
    return sum;
  }

  get text(): TallyText {
    return [...this.rows].map(([name, row]) => [name, { ...row, mnemonics: [...row.mnemonics] }]);
  }

  row(name: string): Row {
    const known = this.rows.get(name);
    if (known !== undefined) return known;
    const row = { cases: 0, differences: 0, unsteady: 0, mnemonics: new Map<string, number>() };
    this.rows.set(name, row);
    return row;
  }

  count(name: string, mnemonic: string): Row {
    const row = this.row(name);
    row.cases++;
    row.mnemonics.set(mnemonic, (row.mnemonics.get(mnemonic) ?? 0) + 1);
    return row;
  }

  get cases(): number {
    return [...this.rows.values()].reduce((sum, row) => sum + row.cases, 0);
  }

  get differences(): number {
    return [...this.rows.values()].reduce((sum, row) => sum + row.differences, 0);
  }

  /** One line for each row. */
  get lines(): string[] {
    const rows = [...this.rows].sort(([a], [b]) => (a < b ? -1 : 1));
    const line = (name: string, { cases, differences, unsteady, mnemonics }: Row): string => {
      const fewest = [...mnemonics].reduce((least, one) => (one[1] < least[1] ? one : least), ['', Number.POSITIVE_INFINITY] as const);
      return `| ${name} | ${cases} | ${mnemonics.size} | ${fewest[0].toUpperCase()} ${fewest[1]} | ${unsteady} | ${differences} |`;
    };
    return [
      '| family | cases | mnemonics | fewest | not repeated | differences |',
      '|---|---:|---:|---|---:|---:|',
      ...rows.map(([name, row]) => line(name, row)),
    ];
  }
}

export interface Family {
  /** What `--family` chooses it by. */
  readonly name: string;
  /** Said at the start: what is compared, and what is left out. */
  readonly notes: readonly string[];
  /** Compares one batch of cases that follow from the seed. */
  compare(seed: number, tally: Tally): Finding[];
  /** Forms without a meaning, met on the way. */
  readonly missing: ReadonlySet<string>;
  close(): void;
}
