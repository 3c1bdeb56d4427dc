import type { RunStats } from '../trace/runStats.ts';
import type { BootOptions } from './bootOptions.ts';
import type { CommandContext } from './commandContext.ts';
import * as status from './exitStatus.ts';
import { InterruptSwitch } from './interruptSwitch.ts';
import type { BootOutcome, BootProgress } from './library.ts';
import { OutputDirectory } from './outputDirectory.ts';
import { ProgressLine } from './progressLine.ts';
import { SerialOutput } from './serialOutput.ts';
import { formatSummary } from './summary.ts';
import { coloursFor } from './terminal.ts';
import { formatCount } from './textTable.ts';

/** Where results go besides the summary on standard error. */
export interface BootOutputs {
  readonly out: string | undefined;
  readonly json: boolean;
}

/** Runs the guest and has printed and written everything asked for; the status to exit with. */
export async function runBoot(options: BootOptions, outputs: BootOutputs, context: CommandContext): Promise<number> {
  const { stdout, stderr, env } = context.terminal;
  const library = await context.loadLibrary();
  const directory = outputs.out === undefined ? undefined : new OutputDirectory(outputs.out);
  const serial = new SerialOutput([outputs.json ? stderr : stdout, ...(directory === undefined ? [] : [directory])]);
  const interrupt = new InterruptSwitch();
  const progress = new ProgressLine(stderr);
  const started = performance.now();
  interrupt.install();
  try {
    const { outcome, stats, config } = await library.boot(options, {
      serial: (byte) => serial.byte(byte),
      breathe(now) {
        const breath = interrupt.breathe();
        if (breath !== undefined) {
          serial.flush();
          progress.update(
            shareDone(now, options),
            () => `${formatCount(now.instructions)} instructions, ${formatCount(now.cycles)} cycles`,
          );
        }
        return breath;
      },
      get interrupted() {
        return interrupt.requested;
      },
    });
    serial.flush();
    progress.clear();
    const result: RunStats = { ...stats, exitStatus: exitStatusOf(outcome) };
    directory?.finish(config, result);
    if (outputs.json) stdout.write(`${JSON.stringify({ ...result, hostSeconds: (performance.now() - started) / 1000 })}\n`);
    const colours = await coloursFor(stderr, env);
    stderr.write(`\n${formatSummary(result, colours)}`);
    const ending = describeEnding(outcome);
    if (ending !== undefined) stderr.write(`\n${colours.red(`parapet: ${ending}`)}\n`);
    return result.exitStatus;
  } finally {
    serial.flush();
    directory?.discardUnfinished();
    progress.clear();
    interrupt.remove();
  }
}

const shareDone = ({ cycles }: BootProgress, { maxCycles }: BootOptions): number | undefined =>
  maxCycles === Number.POSITIVE_INFINITY ? undefined : cycles / maxCycles;

/** The status that the process exits with. A guest's own is cut to the eight bits a process has, as the operating system does under QEMU. */
export function exitStatusOf(outcome: BootOutcome): number {
  switch (outcome.kind) {
    case 'powered-off':
      return status.STATUS_OK;
    case 'exited':
      return outcome.status % 256;
    case 'died':
      return status.STATUS_GUEST_DIED;
    case 'out-of-cycles':
      return status.STATUS_OUT_OF_CYCLES;
    case 'not-implemented':
      return status.STATUS_NOT_IMPLEMENTED;
    case 'interrupted':
      return status.STATUS_INTERRUPTED;
  }
}

function describeEnding(outcome: BootOutcome): string | undefined {
  switch (outcome.kind) {
    case 'powered-off':
    case 'exited':
      return undefined;
    case 'died':
      return `the guest died\n${outcome.report}`;
    case 'out-of-cycles':
      return 'the guest had not ended when --max-cycles ran out';
    case 'not-implemented':
      return `an instruction is not implemented\n${outcome.report}`;
    case 'interrupted':
      return 'interrupted; this is what was measured so far';
  }
}
