import { loadLibrary } from './library.ts';
import { runCommandLine } from './program.ts';

/** The process behind `parapet`: its arguments carried out, its exit status set. */

// A reader that has seen enough (`parapet list | head -1`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

// Not process.exit: output to pipes is still on its way.
process.exitCode = await runCommandLine(process.argv.slice(2), process, loadLibrary);
