import { type Command, InvalidArgumentError, Option } from 'commander';
import { ENGINE_NAMES, type ModuleOption, type RawBootOptions, resolveBootOptions } from './bootOptions.ts';
import type { CommandContext } from './commandContext.ts';
import { optionParser } from './optionParser.ts';
import {
  parseAssignment,
  parseFactor,
  parseInteger,
  parseModule,
  parsePauseLoop,
  parseSize,
  parseTime,
  parseWeights,
} from './quantities.ts';

const MAX_CORES = 64;

const count = (max: number) => optionParser((text) => parseInteger(text, 1, max));

/** Collects repeated `--param KEY=VALUE`. */
function collectParam(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [key, value] = optionParser(parseAssignment)(text);
  if (Object.hasOwn(before, key)) throw new InvalidArgumentError(`'${key}' is given twice.`);
  return { ...before, [key]: value };
}

/** Collects repeated `--module FILE[=STRING]`; the kernel is told the name of the file when there is no string. */
function collectModule(given: string, before: readonly ModuleOption[] = []): readonly ModuleOption[] {
  const [path, text] = optionParser(parseModule)(given);
  return [...before, { path, text }];
}

/** Collects repeated `--cost NAME=FACTOR`. */
function collectCost(text: string, before: Readonly<Record<string, number>> = {}): Readonly<Record<string, number>> {
  const [name, factor] = optionParser(parseAssignment)(text);
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`'${name}' is given twice.`);
  return { ...before, [name]: optionParser(parseFactor)(factor) };
}

/** `parapet boot GUEST`. */
export function addBootCommand(program: Command, context: CommandContext): void {
  program
    .command('boot')
    .description('run a guest until it ends')
    .argument('<guest>', 'a built-in name (see `list guests`), or the path of a kernel: Multiboot 1, or static ELF64')
    .option('--cores <n>', 'number of cores', count(MAX_CORES))
    .option('--memory <size>', 'RAM of the machine: 256M, 1G', optionParser(parseSize))
    .addOption(new Option('--engine <name>', 'what executes instructions').choices(ENGINE_NAMES))
    .option('--profile <name>', 'machine profile: prices and sizes')
    .option('--cost <name=factor>', 'multiply a price of the profile; repeatable', collectCost)
    .option(
      '--seed <n>',
      'seed of the run (default: 0)',
      optionParser((text) => parseInteger(text, 0)),
    )
    .option('--append <text>', 'kernel command line')
    .option('--module <file[=string]>', 'file for a Multiboot kernel, and what it is told about it; repeatable', collectModule)
    .option('--param <key=value>', 'parameter of a built-in guest; repeatable', collectParam)
    .option('--vms <m>', 'number of virtual machines; runs the guest under the VMM', count(MAX_CORES))
    .option('--vcpus <n>', 'vCPUs of each virtual machine; runs the guest under the VMM', count(MAX_CORES))
    .option('--scheduler <name>', "the VMM's scheduler")
    .option('--slice <time>', "the scheduler's time slice: 3ms, 250us, or cycles", optionParser(parseTime))
    .option('--no-halt-exits', 'a halted vCPU keeps its core until its slice ends, as one that computes would')
    .option('--placement <name>', 'pinned: vCPU i stays on core i modulo their number; floating: vCPUs move to idle and to less busy cores')
    .option('--weights <list>', 'shares of the VMs under the schedulers fair and balance, separated by commas', optionParser(parseWeights))
    .option(
      '--ple [window/gap]',
      'a vCPU whose PAUSE loop lasts longer than the window leaves the guest and yields to a preempted sibling; cycles (default: 4096/128)',
      optionParser(parsePauseLoop),
    )
    .option('--co-guest <name>', 'built-in guest of all virtual machines but the first; the run ends with the first')
    .option('--co-param <key=value>', 'parameter of the co-guest; repeatable', collectParam)
    .option('--shootdown <scheme>', 'TLB shootdown scheme of a built-in guest')
    .option('--lock <name>', 'lock algorithm of a built-in guest')
    .option(
      '--max-cycles <n>',
      'end the run after so many cycles',
      optionParser((text) => parseInteger(text, 1)),
    )
    .option('--coherence', 'cache lines that move between cores have a price')
    .option('--check-tlb', 'check every use of a cached translation; a stale one that a shootdown should have removed ends the run')
    .option('--trace <file>', 'write a trace: .txt, .jsonl, or .pftrace for ui.perfetto.dev')
    .option('--trace-events <list>', 'events and groups of events to trace, separated by commas; - takes away')
    .option('--out <dir>', 'write config.json, stats.json, stats.csv and serial.log into this directory')
    .option('--json', 'print results as one JSON object; serial output goes to standard error')
    .action(async (guest: string, raw: RawBootOptions) => {
      const options = resolveBootOptions(guest, raw);
      const { runBoot } = await import('./runBoot.ts');
      context.finish(await runBoot(options, { out: raw.out, json: raw.json ?? false }, context));
    });
}
