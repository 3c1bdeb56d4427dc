import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LoopItem, nestLoops } from '../../../../src/cpu/engines/jit/loopNest.ts';

const entriesOf = (items: readonly LoopItem[]): number[] =>
  items.flatMap((item) => (item.kind === 'block' ? [item.entry] : [item.entry, ...entriesOf(item.body)]));

/** Edges that no branch of structured code could make, with the sequences and loops around each node known. */
function unserved(items: readonly LoopItem[], successors: readonly (readonly number[])[]): [number, number][] {
  const bad: [number, number][] = [];
  const walk = (sequence: readonly LoopItem[], reachable: ReadonlySet<number>): void => {
    sequence.forEach((item, position) => {
      const later = new Set([...reachable, ...sequence.slice(position + 1).map(({ entry }) => entry)]);
      const check = (node: number, targets: ReadonlySet<number>): void => {
        for (const next of successors[node]!) if (!targets.has(next)) bad.push([node, next]);
      };
      if (item.kind === 'block') check(item.entry, later);
      else {
        const inside = new Set([...later, item.entry]);
        check(item.entry, new Set([...inside, ...item.body.map(({ entry }) => entry)]));
        walk(item.body, inside);
      }
    });
  };
  walk(items, new Set());
  return bad;
}

describe('nestLoops', () => {
  it('puts a graph without cycles into an order in which all edges go forward', () => {
    expect(nestLoops([0, 1, 2, 3], [[1, 2], [3], [3], []])).toEqual([
      { kind: 'block', entry: 0 },
      { kind: 'block', entry: 2 },
      { kind: 'block', entry: 1 },
      { kind: 'block', entry: 3 },
    ]);
  });

  it('makes a block that leads to itself a loop', () => {
    expect(nestLoops([0, 1], [[0, 1], []])).toEqual([
      { kind: 'loop', entry: 0, body: [] },
      { kind: 'block', entry: 1 },
    ]);
  });

  it('nests a loop inside a loop', () => {
    // 0 → 1 ⇄ 1, 1 → 2 → 0, 2 → 3
    expect(nestLoops([0, 1, 2, 3], [[1], [1, 2], [0, 3], []])).toEqual([
      {
        kind: 'loop',
        entry: 0,
        body: [
          { kind: 'loop', entry: 1, body: [] },
          { kind: 'block', entry: 2 },
        ],
      },
      { kind: 'block', entry: 3 },
    ]);
  });

  it('takes the block that is entered from outside as the header', () => {
    // 0 → 2 ⇄ 1
    const [, loop] = nestLoops([0, 1, 2], [[2], [2], [1]]);
    expect(loop).toEqual({ kind: 'loop', entry: 2, body: [{ kind: 'block', entry: 1 }] });
  });

  const graph = fc
    .integer({ min: 1, max: 9 })
    .chain((count) => fc.array(fc.uniqueArray(fc.nat(count - 1), { maxLength: 3 }), { minLength: count, maxLength: count }));
  const nodesOf = (successors: readonly unknown[]): number[] => successors.map((_, index) => index);

  it('property: every node is in the nest once', () => {
    fc.assert(
      fc.property(graph, (successors) => {
        expect(entriesOf(nestLoops(nodesOf(successors), successors)).sort((a, b) => a - b)).toEqual(nodesOf(successors));
      }),
    );
  });

  it('property: an edge that the nest does not serve leads into the middle of a loop', () => {
    fc.assert(
      fc.property(graph, (successors) => {
        const items = nestLoops(nodesOf(successors), successors);
        const inLoops = new Set(
          items.flatMap(function inner(item): number[] {
            return item.kind === 'loop' ? [...entriesOf(item.body)] : [];
          }),
        );
        for (const [, target] of unserved(items, successors)) expect(inLoops).toContain(target);
      }),
    );
  });
});
