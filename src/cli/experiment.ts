import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { CommandContext } from './commandContext.ts';
import { STATUS_INTERRUPTED, STATUS_OK, STATUS_SHAPE_MISSED } from './exitStatus.ts';
import { optionParser } from './optionParser.ts';
import { parseInteger } from './quantities.ts';

interface RawExperimentOptions {
  readonly quick?: boolean;
  readonly jobs?: number;
  readonly out?: string;
}

/** `parapet experiment NAME`. */
export function addExperimentCommand(program: Command, context: CommandContext): void {
  program
    .command('experiment')
    .description('reproduce a published result')
    .argument('<name>', 'see `list experiments`')
    .option('--quick', 'fewer and shorter runs: the shape, not the figures')
    .option(
      '--jobs <n>',
      'runs at the same time (default: one per host processor)',
      optionParser((text) => parseInteger(text, 1, 1024)),
    )
    .option(
      '--out <dir>',
      'write report.html, figures, tables and single results into this directory; an interrupted experiment goes on from there',
    )
    .action(async (name: string, raw: RawExperimentOptions) => {
      const library = await context.loadLibrary();
      const { ProgressLine } = await import('./progressLine.ts');
      const { stdout, stderr } = context.terminal;
      const progress = new ProgressLine(stderr);
      const interrupt = new AbortController();
      // The second Ctrl-C ends the process as usual.
      const onSignal = (): void => interrupt.abort();
      process.once('SIGINT', onSignal);
      try {
        const options = { quick: raw.quick ?? false, jobs: raw.jobs ?? availableParallelism(), out: raw.out };
        const { report, shapeHolds, interrupted } = await library.experiment(name, options, {
          progress: (done, what) => progress.update(done, () => what),
          signal: interrupt.signal,
        });
        progress.clear();
        stdout.write(report);
        context.finish(interrupted ? STATUS_INTERRUPTED : shapeHolds ? STATUS_OK : STATUS_SHAPE_MISSED);
      } finally {
        progress.clear();
        process.removeListener('SIGINT', onSignal);
      }
    });
}
