import { Argument, type Command } from 'commander';
import type { CommandContext } from './commandContext.ts';
import { STATUS_OK } from './exitStatus.ts';
import { CATALOG_KINDS, type Catalog, type CatalogKind } from './library.ts';

/** `parapet list [kind]`: of one kind, names and docs; of all, under a heading each. */
export function addListCommand(program: Command, context: CommandContext): void {
  program
    .command('list')
    .description('list what can be named')
    .addArgument(new Argument('[kind]', 'what to list').choices(CATALOG_KINDS))
    .action(async (kind: CatalogKind | undefined) => {
      const catalog = await (await context.loadLibrary()).catalog();
      const { stdout } = context.terminal;
      if (kind !== undefined) stdout.write(formatEntries(catalog[kind], ''));
      else stdout.write(CATALOG_KINDS.map((each) => `${each}\n${formatEntries(catalog[each], '  ')}`).join('\n'));
      context.finish(STATUS_OK);
    });
}

function formatEntries(entries: Catalog[CatalogKind], indent: string): string {
  const width = Math.max(0, ...entries.map(({ name }) => name.length));
  return entries.map(({ name, doc }) => `${indent}${name.padEnd(width)}  ${doc}\n`).join('');
}
