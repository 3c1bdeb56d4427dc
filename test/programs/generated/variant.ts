/** Ways of compiling a program. The machine has all that these options use. */

export interface Variant {
  readonly name: string;
  readonly options: readonly string[];
  readonly bits: 32 | 64;
}

const variant = (name: string, bits: 32 | 64, ...options: string[]): Variant => ({ name, options: [...options, `-m${bits}`], bits });

const BITS = ['-mbmi', '-mbmi2', '-mlzcnt', '-mmovbe', '-madx', '-mpclmul', '-maes', '-mcx16', '-mno-avx'];

export const VARIANTS: readonly Variant[] = [
  variant('O0', 64, '-O0'),
  variant('O0-v2', 64, '-O0', '-march=x86-64-v2'),
  variant('O2', 64, '-O2'),
  variant('O2-v2', 64, '-O2', '-march=x86-64-v2'),
  variant('O3-v2', 64, '-O3', '-march=x86-64-v2'),
  variant('O3-bits', 64, '-O3', '-march=x86-64-v2', ...BITS),
  variant('O3-387', 64, '-O3', '-mfpmath=387'),
  variant('O3-both', 64, '-O3', '-march=x86-64-v2', '-mfpmath=both', '-funroll-loops'),
  variant('Os', 64, '-Os', '-minline-all-stringops'),
  variant('O2-rep', 64, '-O2', '-minline-all-stringops', '-mstringop-strategy=rep_byte'),
  variant('Ofast-v2', 64, '-Ofast', '-march=x86-64-v2'),
  variant('m32-O0', 32, '-O0', '-march=i586'),
  variant('m32-O2', 32, '-O2', '-march=i686', '-mfpmath=387', '-mno-sse'),
  variant('m32-Os', 32, '-Os', '-march=i586', '-minline-all-stringops', '-mregparm=3'),
  variant('m32-O3-mmx', 32, '-O3', '-march=pentium3', '-mfpmath=sse'),
  variant('m32-O3-v2', 32, '-O3', '-march=x86-64-v2', '-mfpmath=sse'),
];
