import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { type Random, readFileIfThere, writePrivateFile } from '#base'

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16

/** Writes what only the same sealer reads, and only for the same purpose: anything else that is shown to it was never written. */
export interface Sealer {
  /** Letters, digits, `-` and `_`. */
  seal(purpose: string, text: string, random: Random): string
  open(purpose: string, sealed: string): string | undefined
}

/** A key of its own for each `use` of one. */
export const keyFor = (key: Uint8Array, use: string): Buffer => Buffer.from(hkdfSync('sha256', key, '', use, KEY_BYTES))

/** One for each `use` of a key. */
export function sealerFor(key: Uint8Array, use: string): Sealer {
  const own = keyFor(key, use)
  return {
    seal(purpose, text, random) {
      const iv = random.bytes(IV_BYTES)
      const cipher = createCipheriv(ALGORITHM, own, iv).setAAD(Buffer.from(purpose))
      return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url')
    },
    open(purpose, sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      // Another spelling of the same bytes is another text.
      if (bytes.length < IV_BYTES + TAG_BYTES || bytes.toString('base64url') !== sealed) return undefined
      try {
        const decipher = createDecipheriv(ALGORITHM, own, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
          .setAAD(Buffer.from(purpose))
          .setAuthTag(bytes.subarray(-TAG_BYTES))
        return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8')
      } catch {
        return undefined
      }
    },
  }
}

/** The key of this gateway, made when there is none: sessions last as long as it. */
export function keyIn(path: string, random: Random): Uint8Array {
  const known = Buffer.from(readFileIfThere(path) ?? '', 'base64url')
  if (known.length === KEY_BYTES) return known
  const key = random.bytes(KEY_BYTES)
  writePrivateFile(random, path, Buffer.from(key).toString('base64url'))
  return key
}
