import { defineConfig } from 'vitest/config';

/** Where .ci/run wants the counts. */
const report = process.env['PARAPET_TEST_REPORT'];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    setupFiles: ['test/propertySeed.ts'],
    passWithNoTests: false,
    // Vitest leaves one processor free by default, which is half of a machine with two.
    maxWorkers: '100%',
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
});
