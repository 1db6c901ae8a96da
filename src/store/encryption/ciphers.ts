import { createCipheriv, createDecipheriv } from 'node:crypto'
import { SampanError } from '#base'

/** A stored value that no key at hand opens, or that has been tampered with. */
export class CannotDecrypt extends SampanError {
  readonly code = 'CANNOT_DECRYPT'
}

/** One way to keep values, with one key. The prefix tells which one a stored value was written with. */
export interface Cipher {
  readonly prefix: string
  /** `place` is bound to the value where the method can: nobody can move it to another key. */
  seal(value: Uint8Array, place: string): Uint8Array
  /** A promise where somebody has to be asked first. */
  open(sealed: Uint8Array, place: string): Uint8Array | Promise<Uint8Array>
  /** Whether a value that this cipher has sealed would be sealed the same way today. Absent: yes. */
  isCurrent?(sealed: Uint8Array): boolean
}

/** One that opens at once. */
export interface DirectCipher extends Cipher {
  open(sealed: Uint8Array, place: string): Uint8Array
}

export interface CipherKey {
  readonly name: string
  readonly secret: Uint8Array
}

const NONCE_BYTES = 12
const TAG_BYTES = 16
const BLOCK_BYTES = 16

/** AES-GCM: authenticated, with a random nonce. One key is good for about four thousand million values. */
export function aesGcm({ name, secret }: CipherKey, randomBytes: (count: number) => Uint8Array): DirectCipher {
  const method = `aes-${secret.length * 8}-gcm` as 'aes-256-gcm'
  return {
    prefix: `k8s:enc:aesgcm:v1:${name}:`,
    seal(value, place) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(method, secret, nonce).setAAD(Buffer.from(place))
      return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed, place) {
      const end = sealed.length - TAG_BYTES
      if (end < NONCE_BYTES) throw new CannotDecrypt(`the value of ${place} is too short`)
      const decipher = createDecipheriv(method, secret, sealed.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(place))
      decipher.setAuthTag(sealed.subarray(end))
      return finish(decipher, sealed.subarray(NONCE_BYTES, end), place)
    },
  }
}

/** AES-CBC: read for the sake of what others have written. */
export function aesCbc({ name, secret }: CipherKey, randomBytes: (count: number) => Uint8Array): Cipher {
  const method = `aes-${secret.length * 8}-cbc`
  return {
    prefix: `k8s:enc:aescbc:v1:${name}:`,
    seal(value) {
      const start = randomBytes(BLOCK_BYTES)
      const cipher = createCipheriv(method, secret, start)
      return Buffer.concat([start, cipher.update(value), cipher.final()])
    },
    open(sealed, place) {
      const decipher = createDecipheriv(method, secret, sealed.subarray(0, BLOCK_BYTES))
      return finish(decipher, sealed.subarray(BLOCK_BYTES), place)
    },
  }
}

/** Values as they are. */
export const IDENTITY: Cipher = { prefix: '', seal: (value) => value, open: (sealed) => sealed }

function finish(decipher: { update(data: Uint8Array): Buffer; final(): Buffer }, sealed: Uint8Array, place: string): Uint8Array {
  try {
    return Buffer.concat([decipher.update(sealed), decipher.final()])
  } catch (cause) {
    throw new CannotDecrypt(`the value of ${place} cannot be opened with the key that it names`, { cause })
  }
}
