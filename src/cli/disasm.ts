import type { Command } from 'commander';
import type { CommandContext } from './commandContext.ts';
import { STATUS_OK } from './exitStatus.ts';

/** `parapet disasm GUEST`. */
export function addDisasmCommand(program: Command, context: CommandContext): void {
  program
    .command('disasm')
    .description('print the listing of a guest, with labels and symbols')
    .argument('<guest>', 'a built-in name, or the path of an ELF kernel')
    .action(async (guest: string) => {
      context.terminal.stdout.write(await (await context.loadLibrary()).disassemble(guest));
      context.finish(STATUS_OK);
    });
}
