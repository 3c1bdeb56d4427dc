/** Cases in which an engine once differed from the reference, and a few that reach far. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ENGINES } from '../../src/cpu/engines/registry.ts';
import { difference } from '../engines/difference.ts';
import type { EngineCase } from '../engines/engineCase.ts';
import { runCase } from '../engines/runCase.ts';

const DIRECTORY = join(import.meta.dirname, 'engines');
const files = readdirSync(DIRECTORY).filter((file) => file.endsWith('.json'));

describe.each(ENGINES)('engine %s', (engine) => {
  test.each(files)('leaves what the reference leaves: %s', (file) => {
    const one = JSON.parse(readFileSync(join(DIRECTORY, file), 'utf8')) as EngineCase;
    expect(difference(runCase(one, 'reference'), runCase(one, engine))).toBeUndefined();
  });
});
