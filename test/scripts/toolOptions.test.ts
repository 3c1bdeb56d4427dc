import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseToolOptions, type ToolOption, toolHelp, UsageError } from '../../scripts/toolOptions.ts';

const OPTIONS = {
  seconds: { kind: 'number', fraction: true, doc: 'how long' },
  jobs: { kind: 'number', min: 1, doc: 'how many' },
  engine: { kind: 'text', choices: ['jit', 'reference'], doc: 'which engine' },
  out: { kind: 'text', doc: 'where to' },
  only: { kind: 'list', doc: 'some' },
  save: { kind: 'flag', doc: 'keep it' },
} as const satisfies Record<string, ToolOption>;

const complaint = (...args: string[]): string => {
  try {
    parseToolOptions(OPTIONS, args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'none';
};

test('values have their types, and what is not given is undefined or false', () => {
  expect(parseToolOptions(OPTIONS, [])).toEqual({
    seconds: undefined,
    jobs: undefined,
    engine: undefined,
    out: undefined,
    only: undefined,
    save: false,
  });
  expect(parseToolOptions(OPTIONS, ['--seconds', '0.5', '--jobs=2', '--engine', 'jit', '--only', 'a', '--only', 'b', '--save'])).toEqual({
    seconds: 0.5,
    jobs: 2,
    engine: 'jit',
    out: undefined,
    only: ['a', 'b'],
    save: true,
  });
});

test.for<readonly [string, readonly string[]]>([
  ["Unknown option '--second'", ['--second', '5']],
  ["Unexpected argument 'stray'", ['stray']],
  ["Option '--out <value>' argument missing", ['--out']],
  ["Option '--save' does not take an argument", ['--save=yes']],
  ["--jobs: '0' is no whole number of at least 1", ['--jobs', '0']],
  ["--jobs: '1.5' is no whole number of at least 1", ['--jobs', '1.5']],
  ["--jobs: '' is no whole number of at least 1", ['--jobs', '']],
  ["--seconds: 'soon' is no number of at least 0", ['--seconds', 'soon']],
  ["--seconds: 'Infinity' is no number of at least 0", ['--seconds', 'Infinity']],
  ["--engine: there is no 'fast'; there is jit, reference", ['--engine', 'fast']],
])('complains: %s', ([text, args]) => {
  expect(complaint(...args)).toContain(text);
});

test('whatever the arguments are, there are values or one line', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('--seconds', '--jobs', '--engine', '--out', '--only', '--save', '--', '-h', '1', 'jit'),
  );
  fc.assert(fc.property(fc.array(word, { maxLength: 6 }), (args) => complaint(...args).split('\n').length === 1));
});

test('the help has a line for every option', () => {
  const lines = toolHelp('npm run tool --', 'Does things.', OPTIONS).split('\n');
  for (const [name, { doc }] of Object.entries(OPTIONS))
    expect(lines.filter((line) => line.includes(`--${name}`) && line.endsWith(doc))).toHaveLength(1);
});
