import { describe, expect, test } from 'vitest';
import { LoadBoard } from '../../src/vmm/loadBoard.ts';

describe('LoadBoard', () => {
  test('what a core posts is seen by others one delay later, by itself at once', () => {
    const board = new LoadBoard(2, 100);
    board.post(0, 1000, 3);
    expect([board.seen(0, 0, 1000), board.seen(0, 1, 1000), board.seen(0, 1, 1099), board.seen(0, 1, 1100)]).toEqual([3, 0, 0, 3]);
  });

  test('a reader that is behind the writer sees what was true at its own time', () => {
    const board = new LoadBoard(2, 100);
    for (const [time, load] of [
      [100, 1],
      [250, 2],
      [260, 1],
      [400, 0],
    ] as const) {
      board.post(0, time, load);
    }
    expect([199, 200, 349, 350, 359, 360, 499, 500].map((now) => board.seen(0, 1, now))).toEqual([0, 1, 1, 2, 2, 1, 1, 0]);
  });

  test('a core that nobody has heard of has no load', () => {
    expect(new LoadBoard(3, 10).seen(2, 0, 1e9)).toBe(0);
  });
});
