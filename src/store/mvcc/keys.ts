import { InvalidStoreRequest } from '../errors.ts'

/**
 * Keys are ordered by their UTF-8 bytes, which JavaScript's comparison (UTF-16 units) does not do beyond U+D7FF.
 * Inside the store a key is therefore a string of its bytes, one character each: `<` and `startsWith` are then right and
 * fast, and the keys that occur (printable ASCII) are the same in both forms.
 */
export type OrderedKey = string

const BEYOND_PLAIN = /[^ -~]/
const BEYOND_ASCII = /[\u0080-\u00ff]/

/** The form of a prefix, which may be empty. Throws for lone surrogates, which have no bytes. */
export function orderedPrefix(prefix: string): OrderedKey {
  if (!BEYOND_PLAIN.test(prefix)) return prefix
  if (!prefix.isWellFormed()) throw new InvalidStoreRequest('a key must be well-formed Unicode')
  if (prefix.includes('\0')) throw new InvalidStoreRequest('a key must not contain NUL')
  return Buffer.from(prefix, 'utf8').toString('latin1')
}

export function orderedKey(key: string): OrderedKey {
  if (key === '') throw new InvalidStoreRequest('a key must not be empty')
  return orderedPrefix(key)
}

/** The key as its user knows it. */
export function originalKey(key: OrderedKey): string {
  return BEYOND_ASCII.test(key) ? Buffer.from(key, 'latin1').toString('utf8') : key
}
