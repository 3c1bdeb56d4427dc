import { Command, CommanderError } from 'commander';
import { addBootCommand } from './boot.ts';
import type { CommandContext } from './commandContext.ts';
import { addDisasmCommand } from './disasm.ts';
import { STATUS_OK, STATUS_USAGE } from './exitStatus.ts';
import { addExperimentCommand } from './experiment.ts';
import type { Library } from './library.ts';
import { addListCommand } from './list.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usageError.ts';

/**
 * Carries out the command line `args` (without the names of node and script) and returns the status to exit with. Whatever is wrong with the
 * command line is one line on standard error and status 2; anything else that is thrown is a defect and passes through.
 */
export async function runCommandLine(args: readonly string[], terminal: Terminal, loadLibrary: () => Promise<Library>): Promise<number> {
  let status = STATUS_OK;
  const program = createProgram({
    terminal,
    loadLibrary,
    finish(result) {
      status = result;
    },
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    // Commander has already printed what it has to say: help, or one line.
    if (error instanceof CommanderError) return error.exitCode === 0 ? STATUS_OK : STATUS_USAGE;
    if (!(error instanceof UsageError)) throw error;
    terminal.stderr.write(`error: ${error.message}\n`);
    return STATUS_USAGE;
  }
}

function createProgram(context: CommandContext): Command {
  const { stdout, stderr } = context.terminal;
  const program = new Command('parapet')
    .description('An x86-64 multicore machine that shows what virtualization does to synchronization.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      // A suggestion comes on a line of its own; an error is one line.
      outputError: (text, write) => write(`${text.trimEnd().replaceAll('\n', ' ')}\n`),
    });
  // Subcommands inherit the two settings above when they are added, so these come last.
  addBootCommand(program, context);
  addListCommand(program, context);
  addExperimentCommand(program, context);
  addDisasmCommand(program, context);
  return program;
}
