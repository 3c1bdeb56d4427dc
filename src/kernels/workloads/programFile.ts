/** The compiled programs that come with the project: static ELF files in `programs/elf`, made of the C sources beside it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { UserProgram } from '../fwk/program.ts';
import { elfProgram } from './elfProgram.ts';

export const PROGRAM_NAMES = ['allocstress', 'dedup', 'dvdstore', 'ebizzy', 'hackbench', 'kernbench', 'parsec'] as const;
export type ProgramName = (typeof PROGRAM_NAMES)[number];

const programs = new Map<ProgramName, UserProgram>();

/** Raises: Error when the file is not there, as in an installation that is not whole. */
export function program(name: ProgramName): UserProgram {
  const known = programs.get(name);
  if (known !== undefined) return known;
  const read = elfProgram(name, programBytes(name));
  programs.set(name, read);
  return read;
}

/** The file as it is. Raises: Error when it is not there. */
export const programBytes = (name: ProgramName): Uint8Array => readFileSync(fileOf(name));

/** Sources and compiled code lie at different depths below the folder that has the programs. */
function fileOf(name: ProgramName): string {
  const inside = join('programs', 'elf', `${name}.elf`);
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, inside))) return join(folder, inside);
    if (folder === dirname(folder)) throw new Error(`${inside} is missing: the installation is not whole`);
  }
}
