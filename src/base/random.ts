import { randomBytes, randomUUID } from 'node:crypto'

/** Randomness as an argument. Nothing outside this file draws random numbers; tests pass a seeded source. */
export interface Random {
  /** Uniform in [0, 1). */
  float(): number
  /** A version 4 UUID in lower case. */
  uuid(): string
  /** Cryptographically strong in `systemRandom`; repeatable in `seededRandom`. */
  bytes(count: number): Uint8Array
}

/** The alphabet of generated names: no vowels and nothing easily misread. */
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** `length` characters for the end of a generated name, as in `web-5d9c7b8f6-x2lqp`. */
export function nameSuffix(random: Random, length = 5): string {
  let suffix = ''
  for (let i = 0; i < length; i++) suffix += NAME_ALPHABET[Math.floor(random.float() * NAME_ALPHABET.length)]
  return suffix
}

export const systemRandom: Random = {
  float: () => Math.random(),
  uuid: () => randomUUID(),
  bytes: (count) => randomBytes(count),
}

/** The mulberry32 generator: small, fast, repeatable. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const float = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => Math.floor(float() * 256))
  const uuid = (): string => {
    const raw = bytes(16)
    raw[6] = ((raw[6] ?? 0) & 0x0f) | 0x40
    raw[8] = ((raw[8] ?? 0) & 0x3f) | 0x80
    const hex = Buffer.from(raw).toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }
  return { float, uuid, bytes }
}
