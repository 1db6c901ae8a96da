import type { Outcome, Value } from '../values/value.ts'
import { parseSignature, type Signature } from './signature.ts'

/** One form of a function. `id` is the name by which costs know it. */
export interface Overload {
  readonly id: string
  readonly name: string
  readonly signature: Signature
  /** Given as many arguments as the signature has parameters, of their types. */
  readonly run: (...args: never[]) => Outcome
}

/** `[name, id, signature, what it does]`. */
export type Declaration = readonly [name: string, id: string, signature: string, run: (...args: never[]) => Outcome]
export type Library = readonly Declaration[]

/** The functions of an environment, by name; several libraries may add forms to one. */
export class Functions {
  readonly #byName = new Map<string, Overload[]>()

  constructor(libraries: readonly Library[]) {
    for (const library of libraries) {
      for (const [name, id, signature, run] of library) {
        const overloads = this.#byName.get(name) ?? []
        overloads.push(new LazyOverload(name, id, signature, run))
        this.#byName.set(name, overloads)
      }
    }
  }
  named(name: string): readonly Overload[] | undefined {
    return this.#byName.get(name)
  }
}

/** Few of the hundreds of forms are ever used: signatures are read when they are. */
class LazyOverload implements Overload {
  readonly name: string
  readonly id: string
  readonly run: (...args: never[]) => Outcome
  readonly #text: string
  #signature: Signature | undefined

  constructor(name: string, id: string, text: string, run: (...args: never[]) => Outcome) {
    this.name = name
    this.id = id
    this.#text = text
    this.run = run
  }
  get signature(): Signature {
    this.#signature ??= parseSignature(this.#text)
    return this.#signature
  }
}

/** For functions that the evaluator carries out itself. */
export const built = (..._args: Value[]): Outcome => null
