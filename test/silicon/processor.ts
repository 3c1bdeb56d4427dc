/** The processor at hand as a runner of cases: compiles harness.c and talks to it in fixed-size records. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VECTOR_PF } from '../../src/arch/vectors.ts';
import { caseText, fillPage, type Outcome, type SiliconCase } from './siliconCase.ts';
import { CODE_BASES, CODE_SIZE, dataTemplates, LOCAL_DESCRIPTORS, selectorsOf, TEMPLATES } from './surroundings.ts';

const PATCHES = 8;
const REGISTERS_AT = 32;
const PATCHES_AT = REGISTERS_AT + 128;
const CASE_SIZE = 12 + 4 + 12 + 4 + 16 * 8 + PATCHES * 16;
/** In the place of a case's first word: a page of code follows, for the cases behind it. */
const PAGE_FOLLOWS = 0xffff;
const PAGE_RECORD_SIZE = CASE_SIZE + CODE_SIZE;
const RESULT_SIZE = 8 + 3 * 8 + 16 * 8 + 12 + 4 + 16;
/** Status of a harness without cases where there are no local descriptors, or no 32-bit code. */
const NO_TABLES = 8;
/** Runs of the harness for cases of which it did not tell all. */
const MOST_AGAIN = 3;
const HEADER_SIZE = 8 + 16 * 28;

/** From the repository's root, where the tests and the long runs start. */
const source = 'test/silicon/harness.c';

/** What the processor calls itself. */
export function processorName(): string {
  const match = /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
  const id = ['cpu family', 'model', 'stepping'].map(
    (key) => new RegExp(`^${key}\\s*: (.*)$`, 'm').exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1],
  );
  return `${match?.[1] ?? 'unknown'} (family ${id[0]}, model ${id[1]}, stepping ${id[2]})`;
}

export class Processor {
  private readonly directory: string;

  private tables = true;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Code sizes in which the host's kernel lets programs run. */
  get codeSizes(): readonly (16 | 32 | 64)[] {
    return this.tables ? [16, 32, 64] : [64];
  }

  /** Local descriptors are in force; some kernels that are guests themselves take them and do nothing with them. */
  get hasLocalTable(): boolean {
    return this.tables;
  }

  /** The processor at hand; or why it cannot be asked. */
  static open(): Processor | string {
    if (process.platform !== 'linux' || process.arch !== 'x64')
      return `this host is ${process.platform} on ${process.arch}, not Linux on x86-64`;
    const directory = mkdtempSync(join(tmpdir(), 'silicon-'));
    const processor = new Processor(directory);
    try {
      execFileSync('gcc', ['-O1', '-static-pie', '-fno-stack-protector', '-o', processor.binary, source], { stdio: 'ignore' });
    } catch {
      processor.close();
      return 'gcc cannot compile harness.c here';
    }
    const probe = spawnSync(processor.binary, { input: header() });
    if (probe.status === 0 || probe.status === NO_TABLES) {
      processor.tables = probe.status === 0;
      return processor;
    }
    processor.close();
    return `the harness does not run here (status ${probe.status}): ${probe.stderr.toString().trim()}`;
  }

  private get binary(): string {
    return join(this.directory, 'harness');
  }

  /** What the processor makes of the cases, in their order. */
  run(cases: readonly SiliconCase[]): Outcome[] {
    const head = header();
    const pages = cases.reduce((count, one, i) => count + Number(!sharesPage(one, cases[i - 1])), 0);
    const input = new Uint8Array(head.length + cases.length * CASE_SIZE + pages * PAGE_RECORD_SIZE);
    input.set(head);
    let end = head.length;
    cases.forEach((one, i) => {
      if (!sharesPage(one, cases[i - 1])) {
        new DataView(input.buffer).setUint16(end, PAGE_FOLLOWS, true);
        fillPage(input.subarray(end + CASE_SIZE, end + PAGE_RECORD_SIZE), one);
        end += PAGE_RECORD_SIZE;
      }
      encode(one, new DataView(input.buffer, end, CASE_SIZE));
      end += CASE_SIZE;
    });
    const options = { input, maxBuffer: cases.length * 2048 + 65536 };
    let { stdout, status, signal } = spawnSync(this.binary, options);
    let at = countOutcomes(stdout);
    // A kernel that is a guest itself may lose the harness's FS base when it interrupts it, and the harness its place: once more then.
    for (let again = 0; again < MOST_AGAIN && (status !== 0 || at !== cases.length); again++) {
      ({ stdout, status, signal } = spawnSync(this.binary, ['careful'], options));
      at = countOutcomes(stdout);
    }
    if (status !== 0 || at !== cases.length) {
      throw new Error(
        `the harness ended with status ${status ?? signal} at case ${at}: ${JSON.stringify(cases.slice(at - 1, at + 1).map(caseText))}`,
      );
    }
    const view = new DataView(stdout.buffer, stdout.byteOffset, stdout.length);
    const outcomes: Outcome[] = [];
    let offset = 0;
    for (let i = 0; i < cases.length; i++) offset = decode(view, offset, outcomes);
    return outcomes;
  }

  close(): void {
    rmSync(this.directory, { recursive: true });
  }
}

/** How many outcomes the output holds: the case behind the last one was the end of the harness. */
function countOutcomes(stdout: Uint8Array): number {
  const view = new DataView(stdout.buffer, stdout.byteOffset, stdout.length);
  let count = 0;
  for (let at = 0; at + RESULT_SIZE <= stdout.length; count++) at += RESULT_SIZE + view.getUint32(at + 172, true) * 16;
  return count;
}

let headerBytes: Uint8Array | undefined;
function header(): Uint8Array {
  if (headerBytes !== undefined) return headerBytes;
  const templates = dataTemplates();
  const bytes = new Uint8Array(HEADER_SIZE + templates.length);
  const words = new Uint32Array(bytes.buffer, 0, HEADER_SIZE / 4);
  words[0] = LOCAL_DESCRIPTORS.length;
  words[1] = TEMPLATES;
  LOCAL_DESCRIPTORS.forEach(({ base, limit, big, contents, readOnly, inPages, absent }, i) => {
    words.set([base, limit, Number(big), contents, Number(readOnly), Number(inPages), Number(absent)], 2 + i * 7);
  });
  bytes.set(templates, HEADER_SIZE);
  headerBytes = bytes;
  return bytes;
}

/** The code of both stands in the same page. */
const sharesPage = (one: SiliconCase, before: SiliconCase | undefined): boolean =>
  before !== undefined && (one.page === undefined ? one.code === before.code && one.origin === before.origin : one.page === before.page);

function encode(one: SiliconCase, view: DataView): void {
  const { cs, ss, ds, es, fs, gs } = selectorsOf(one);
  [cs, ss, ds, es, fs, gs, one.patches.length].forEach((value, i) => {
    view.setUint16(i * 2, value, true);
  });
  [one.origin - CODE_BASES[one.codeSize], one.flags, one.template].forEach((value, i) => {
    view.setUint32(16 + i * 4, value, true);
  });
  if (one.patches.length > PATCHES) throw new RangeError('a case is too large');
  one.gpr.forEach((value, i) => {
    view.setBigUint64(REGISTERS_AT + i * 8, value, true);
  });
  one.patches.forEach(({ address, value }, i) => {
    view.setBigUint64(PATCHES_AT + i * 16, BigInt(address), true);
    view.setBigUint64(PATCHES_AT + i * 16 + 8, value, true);
  });
}

function decode(view: DataView, at: number, into: Outcome[]): number {
  const vector = view.getUint32(at, true);
  const word = (offset: number): bigint => view.getBigUint64(at + offset, true);
  const gpr: bigint[] = [];
  for (let i = 0; i < 16; i++) gpr.push(word(32 + i * 8));
  const [cs, ss, ds, es, fs, gs] = [0, 2, 4, 6, 8, 10].map((offset) => view.getUint16(at + 160 + offset, true)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const count = view.getUint32(at + 172, true);
  const changes = [];
  for (let i = 0; i < count; i++) {
    const entry = at + RESULT_SIZE + i * 16;
    changes.push({ address: Number(view.getBigUint64(entry, true)), value: view.getBigUint64(entry + 8, true) });
  }
  into.push({
    vector,
    errorCode: view.getUint32(at + 4, true),
    cr2: vector === VECTOR_PF ? word(8) : 0n,
    rip: word(16),
    flags: Number(word(24)),
    gpr,
    selectors: [es, cs, ss, ds, fs, gs],
    bases: [word(176), word(184)],
    changes,
  });
  return at + RESULT_SIZE + count * 16;
}
