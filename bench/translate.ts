/** Nanoseconds per translation, by where it is found. `node --experimental-strip-types bench/translate.ts` or any later Node. */
import { ACCESS_READ, ACCESS_USER, ACCESS_WRITE } from '../src/mmu/access.ts';
import { makeRig, mapEntry, TableAllocator } from '../test/mmu/mmuRig.ts';

function time(name: string, count: number, run: (count: number) => number): void {
  run(count >> 3);
  const start = process.hrtime.bigint();
  run(count);
  const nanoseconds = Number(process.hrtime.bigint() - start);
  console.log(`${name.padEnd(36)} ${(nanoseconds / count).toFixed(1)} ns`);
}

const geometry = {
  itlb4k: { sets: 16, ways: 8 },
  itlb2m: { sets: 1, ways: 8 },
  dtlb4k: { sets: 16, ways: 4 },
  dtlb2m: { sets: 8, ways: 4 },
  dtlb1g: { sets: 1, ways: 4 },
  stlb: { sets: 128, ways: 12 },
  stlbHolds2m: true,
  pdeCache: 24,
  pdpteCache: 4,
  pml4eCache: 2,
  nestedTlb: 32,
};
const { mmu, memory } = makeRig({ geometry, memoryBytes: 16 << 20 });
const tables = new TableAllocator(2);
for (let page = 0; page < 2048; page++) mapEntry(memory, 1, 0x40_0000 + page * 4096, 0, (BigInt(0x10000 + page) << 12n) | 0x67n, tables);
for (let page = 0; page < 64; page++) mapEntry(memory, 1, -0x8000_0000 + page * 0x20_0000, 1, (BigInt(page) << 21n) | 0xe3n, tables);

const stride = (base: number, pages: number, size: number, access: number) => (count: number) => {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += mmu.translate(base + (i & (pages - 1)) * size + 8, access);
  return sum;
};
for (let round = 0; round < 2; round++) {
  time('L1 hit, 4 KB, user read', 2e7, stride(0x40_0000, 16, 4096, ACCESS_READ | ACCESS_USER));
  time('L1 hit, 4 KB, user write', 2e7, stride(0x40_0000, 16, 4096, ACCESS_WRITE | ACCESS_USER));
  time('L1 hit, 2 MB, write', 2e7, stride(-0x8000_0000, 8, 0x20_0000, ACCESS_WRITE));
  time('second-level hit', 4e6, stride(0x40_0000, 1024, 4096, ACCESS_READ));
  time('walk, PDE cached', 2e6, stride(0x40_0000, 2048, 4096, ACCESS_READ));
  time('INVLPG and one walk', 1e6, (count) => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      mmu.invalidate.invlpg(0x40_0000);
      sum += mmu.translate(0x40_0000, ACCESS_READ);
    }
    return sum;
  });
  time('INVLPG alone', 1e6, (count) => {
    for (let i = 0; i < count; i++) mmu.invalidate.invlpg(0x40_0000 + (i & 1023) * 4096);
    return 0;
  });
  stride(0x40_0000, 1024, 4096, ACCESS_READ)(4096);
  time('INVPCID 1 of another PCID, full TLB', 1e5, (count) => {
    for (let i = 0; i < count; i++) mmu.invalidate.invpcid(1, 5, 0);
    return 0;
  });
}
