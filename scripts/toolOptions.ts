/** Command lines of the tools beside the product: benchmarks, long comparisons. The product's own are commander's (src/cli). */
import { parseArgs } from 'node:util';

interface Described {
  /** What `--help` says of it. */
  readonly doc: string;
}
/** Given or not. */
export interface FlagOption extends Described {
  readonly kind: 'flag';
}
/** Any text; one of `choices` when there are some. */
export interface TextOption extends Described {
  readonly kind: 'text';
  readonly choices?: readonly string[];
}
/** Text that may be given more than once. */
export interface ListOption extends Described {
  readonly kind: 'list';
  readonly choices?: readonly string[];
}
/** A number of at least `min` (default 0); whole unless `fraction`. */
export interface NumberOption extends Described {
  readonly kind: 'number';
  readonly min?: number;
  readonly fraction?: boolean;
}
export type ToolOption = FlagOption | TextOption | ListOption | NumberOption;

type ValueOf<O extends ToolOption> = O extends FlagOption
  ? boolean
  : O extends NumberOption
    ? number | undefined
    : O extends ListOption
      ? readonly string[] | undefined
      : string | undefined;
export type ToolValues<T extends Readonly<Record<string, ToolOption>>> = { readonly [K in keyof T]: ValueOf<T[K]> };

/** A command line that cannot be used; the message is one line. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message.replace(/\s+/g, ' '));
  }
}

/**
 * The values of these options in `args`; what was not given is undefined, or false.
 * @throws UsageError for an option, an argument or a value that there is not.
 */
export function parseToolOptions<T extends Readonly<Record<string, ToolOption>>>(options: T, args: readonly string[]): ToolValues<T> {
  const config = Object.fromEntries(
    Object.entries(options).map(
      ([name, { kind }]) => [name, { type: kind === 'flag' ? 'boolean' : 'string', multiple: kind === 'list' }] as const,
    ),
  );
  const given = parsed(config, args);
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, optionValue(name, option, given[name])]),
  ) as unknown as ToolValues<T>;
}

/**
 * As `parseToolOptions`, for the arguments of this process: bad ones end it with one line on standard error and status 2, `--help` with
 * the list of the options and status 0.
 * @param command how the tool is called.
 */
export function toolOptions<T extends Readonly<Record<string, ToolOption>>>(command: string, purpose: string, options: T): ToolValues<T> {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(toolHelp(command, purpose, options));
    process.exit(0);
  }
  try {
    return parseToolOptions(options, args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    endWithUsage(error.message);
  }
}

/** Ends the process as bad usage does: one line on standard error, status 2. */
export function endWithUsage(message: string): never {
  process.stderr.write(`${message} (--help lists the options)\n`);
  process.exit(2);
}

/** What `--help` prints. */
export function toolHelp(command: string, purpose: string, options: Readonly<Record<string, ToolOption>>): string {
  const rows = Object.entries(options).map(([name, option]) => [`--${name}${operandOf(option)}`, option.doc] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return [`${command} [options]`, purpose, '', ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`), ''].join('\n');
}

function operandOf(option: ToolOption): string {
  if (option.kind === 'flag') return '';
  if (option.kind === 'number') return ' N';
  return option.choices === undefined ? ' TEXT' : ` ${option.choices.join('|')}`;
}

function parsed(
  config: Readonly<Record<string, { type: 'boolean' | 'string'; multiple: boolean }>>,
  args: readonly string[],
): Record<string, unknown> {
  try {
    return parseArgs({ options: config, args: [...args] }).values;
  } catch (error) {
    // Node's own messages go on with advice after the first sentence.
    throw new UsageError((error as Error).message.split(/\.\s|\n/)[0]!.replace(/\.$/, ''));
  }
}

function optionValue(name: string, option: ToolOption, value: unknown): unknown {
  if (option.kind === 'flag') return value === true;
  if (value === undefined) return undefined;
  if (option.kind === 'number') return numberOf(name, option, String(value));
  const { choices } = option;
  for (const text of Array.isArray(value) ? value : [value])
    if (choices !== undefined && !choices.includes(text))
      throw new UsageError(`--${name}: there is no '${text}'; there is ${choices.join(', ')}`);
  return value;
}

function numberOf(name: string, { min = 0, fraction = false }: NumberOption, text: string): number {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  const isGood = Number.isFinite(number) && number >= min && (fraction || Number.isSafeInteger(number));
  if (!isGood) throw new UsageError(`--${name}: '${text}' is no ${fraction ? '' : 'whole '}number of at least ${min}`);
  return number;
}
