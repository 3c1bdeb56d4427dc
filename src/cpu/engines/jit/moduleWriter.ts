import { FunctionWriter, type Variable } from './functionWriter.ts';
import { encodeModule, type FunctionBody, type FunctionImport, type FunctionType } from './wasmModule.ts';

/** A module under construction: functions get their numbers as they are defined, so that later ones can call them. */
export class ModuleWriter {
  private readonly types: FunctionType[] = [];
  private readonly imports: FunctionImport[] = [];
  private readonly functions: FunctionBody[] = [];
  private tableSize = 0;

  /** Number of a function type, which exists from now on. */
  type(parameters: readonly number[], results: readonly number[]): number {
    const same = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((type, i) => type === b[i]);
    const known = this.types.findIndex((type) => same(type.parameters, parameters) && same(type.results, results));
    return known >= 0 ? known : this.types.push({ parameters, results }) - 1;
  }

  /** Number of an imported function. Imports come before all definitions. */
  import(module: string, name: string, parameters: readonly number[], results: readonly number[]): number {
    if (this.functions.length > 0) throw new Error('an import after a definition');
    return this.imports.push({ module, name, type: this.type(parameters, results) }) - 1;
  }

  /** The module imports the table `env.table` of this many functions, for indirect calls. */
  importTable(size: number): void {
    this.tableSize = size;
  }

  /** Number of a new function. @param name under which it is exported, or undefined. */
  define(
    name: string | undefined,
    parameters: readonly number[],
    results: readonly number[],
    write: (f: FunctionWriter, ...parameters: Variable[]) => void,
  ): number {
    const writer = new FunctionWriter(parameters);
    write(writer, ...writer.parameters);
    return this.add(writer.finish(name, this.type(parameters, results)));
  }

  /** Number of a function whose body exists already. */
  add(body: FunctionBody): number {
    return this.imports.length + this.functions.push(body) - 1;
  }

  bytes(memoryPages: number): Uint8Array {
    return encodeModule(this.types, this.imports, memoryPages, this.functions, this.tableSize);
  }
}
