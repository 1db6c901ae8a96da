import { type NumberLiterals, SampanError } from '#base/pure'
import type { Field } from '../schema.ts'

/** An object cannot be read. The message is that of Go's decoder. */
export class DecodeError extends SampanError {
  readonly code = 'DECODE'
}

/** A step into a value: a field, a place in a list, or a key of a map. */
export type Step = Field | number | { readonly key: string }

interface Unknown {
  readonly path: string
  readonly rank: number
}

/** One decoding: where it is, and what it has found. */
export class DecodeRun {
  /** Name of the struct whose fields are being read. */
  struct = ''
  readonly #isCustom: boolean
  readonly #literals: NumberLiterals | undefined
  readonly #steps: Step[] = []
  #depth = 0
  #firstError: DecodeError | undefined
  readonly #unknown: Unknown[] = []
  #quiet = false
  /** The value never was text: a converter has read it, which knows no places, and cuts numbers off. */
  readonly isRestored: boolean

  constructor(isCustom: boolean, literals: NumberLiterals | undefined, isRestored = false) {
    this.#isCustom = isCustom
    this.#literals = literals
    this.isRestored = isRestored
  }

  enter(step: Step): void {
    this.#steps[this.#depth++] = step
  }

  leave(): void {
    this.#depth--
  }

  /** The path of what is being read. */
  get place(): string {
    return this.#pathText('').replace(/\.$/, '')
  }

  addUnknown(name: string): void {
    if (this.#quiet) return
    this.#unknown.push({ path: this.#pathText(name), rank: this.#rank() })
  }

  /** What is not known below is dropped without being named. */
  quietly(work: () => void): void {
    const before = this.#quiet
    this.#quiet = true
    work()
    this.#quiet = before
  }

  /** The text of a number where it is not the one that JavaScript shows. */
  literalAt(holder: object, key: string | number): string | undefined {
    return this.#literals?.get(holder)?.get(String(key))
  }

  /** Go's decoder goes on after a wrong type and reports the first one at the end. */
  wrongType(value: unknown, goType: string, literal?: string): void {
    this.#firstError ??= this.#typeError(value, goType, literal)
  }

  /** Types that decode themselves stop everything, even when a wrong type was seen before. */
  stopWithWrongType(value: unknown, goType: string, literal?: string): never {
    throw this.isRestored ? this.wrongRoot(value, goType, literal) : this.#typeError(value, goType, literal)
  }

  stop(message: string): never {
    throw new DecodeError(message)
  }

  /** An error that is reported at the end, without the place. */
  note(message: string): void {
    this.#firstError ??= new DecodeError(message)
  }

  wrongRoot(value: unknown, goType: string, literal?: string): DecodeError {
    return new DecodeError(`json: cannot unmarshal ${jsonName(value, literal)} into Go value of type ${goType}`)
  }

  finish(): void {
    if (this.#firstError !== undefined) throw this.#firstError
  }

  /** For built-in kinds in the order of the document; for custom resources metadata first, then the pruned fields sorted, then metadata inside. */
  unknownFields(): readonly string[] {
    if (!this.#isCustom) return this.#unknown.map((unknown) => unknown.path)
    const ofRank = (rank: number): string[] => this.#unknown.filter((unknown) => unknown.rank === rank).map((unknown) => unknown.path)
    return [...ofRank(ROOT_METADATA), ...ofRank(PRUNED).sort(), ...ofRank(INNER_METADATA)]
  }

  #rank(): number {
    if (!this.#isCustom) return BUILT_IN
    for (let at = 0; at < this.#depth; at++) {
      const step = this.#steps[at]
      const isMetadata = typeof step === 'object' && 'schema' in step && step.name === 'metadata' && step.schema.name === 'ObjectMeta'
      if (isMetadata) return at === 0 ? ROOT_METADATA : INNER_METADATA
    }
    return PRUNED
  }

  #pathText(name: string): string {
    let text = ''
    for (let at = 0; at < this.#depth; at++) {
      const step = this.#steps[at] as Step
      if (typeof step === 'number') text += `[${step}]`
      else text += `${text === '' ? '' : '.'}${'key' in step ? step.key : step.name}`
    }
    return text === '' ? name : `${text}.${name}`
  }

  /** Names the fields that belong to Go structs; places in lists and keys of maps are left out. */
  #typeError(value: unknown, goType: string, literal: string | undefined): DecodeError {
    const names: string[] = []
    for (const step of this.#steps.slice(0, this.#depth)) {
      if (typeof step !== 'object' || !('goType' in step)) continue
      if (step.goPrefix !== undefined) names.push(step.goPrefix)
      names.push(step.name)
    }
    return new DecodeError(
      `json: cannot unmarshal ${jsonName(value, literal)} into Go struct field ${this.struct}.${names.join('.')} of type ${goType}`,
    )
  }
}

/** Where a field that is not known stands: the parts of a custom resource are read one after the other. */
const BUILT_IN = 0
const ROOT_METADATA = 1
const PRUNED = 2
const INNER_METADATA = 3

/** What Go's decoder calls a JSON value. */
function jsonName(value: unknown, literal?: string): string {
  if (typeof value === 'number') return literal === undefined ? 'number' : `number ${literal}`
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : 'object'
}
