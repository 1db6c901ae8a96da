import { UserError } from '#base'
import { parseDuration } from '#api'

/** Reads an object of a configuration field by field, and then refuses what nobody has asked for. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>
  readonly #left: Set<string>
  readonly #path: string
  readonly #file: string

  constructor(value: unknown, path: string, file: string) {
    this.#path = path
    this.#file = file
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new UserError(`${file}: ${path === '' ? 'the file' : path} is not an object`, 'see the reference of KubeSchedulerConfiguration')
    this.#values = value as Record<string, unknown>
    this.#left = new Set(Object.keys(value))
  }

  wrong(name: string, why: string): UserError {
    return new UserError(`${this.#file}: ${this.#at(name)} ${why}`, 'see the reference of KubeSchedulerConfiguration')
  }

  /** The value as it is. */
  raw(name: string): unknown {
    this.#left.delete(name)
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined
  }

  isSet(name: string): boolean {
    return Object.hasOwn(this.#values, name)
  }

  text(name: string): string | undefined {
    const value = this.raw(name)
    if (value === undefined || typeof value === 'string') return value
    throw this.wrong(name, 'is not text')
  }

  flag(name: string): boolean | undefined {
    const value = this.raw(name)
    if (value === undefined || typeof value === 'boolean') return value
    throw this.wrong(name, 'is neither true nor false')
  }

  /** A whole number. */
  number(name: string, least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.raw(name)
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isInteger(value)) throw this.wrong(name, 'is not a whole number')
    if (value < least || value > most) throw this.wrong(name, `is not between ${least} and ${most}`)
    return value
  }

  /** A duration in Go's words, in milliseconds. */
  durationMs(name: string, leastMs = 0): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const read = parseDuration(text)
    if (typeof read === 'string') throw this.wrong(name, `is no duration: ${JSON.stringify(text)}`)
    if (read < leastMs) throw this.wrong(name, `is shorter than ${leastMs / 1000}s`)
    return read
  }

  choice<T extends string>(name: string, of: readonly T[]): T | undefined {
    const value = this.text(name)
    const found = of.find((one) => one === value)
    if (value !== undefined && found === undefined) throw this.wrong(name, `is none of ${of.join(', ')}`)
    return found
  }

  texts(name: string): readonly string[] {
    const value = this.raw(name) ?? []
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
    throw this.wrong(name, 'is not a list of texts')
  }

  object(name: string): Fields | undefined {
    const value = this.raw(name)
    return value === undefined ? undefined : new Fields(value, this.#at(name), this.#file)
  }

  list(name: string): readonly Fields[] {
    const value = this.raw(name) ?? []
    if (!Array.isArray(value)) throw this.wrong(name, 'is not a list')
    return value.map((one, at) => new Fields(one, `${this.#at(name)}[${at}]`, this.#file))
  }

  /** Everything has been read: throws for what is left. */
  end(): void {
    const [first] = this.#left
    if (first !== undefined) throw this.wrong(first, 'is not supported')
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }
}
