import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { CannotDecrypt, type Cipher, type CipherKey } from './ciphers.ts'

const NONCE_BYTES = 24
const TAG_BYTES = 16

/** XSalsa20 and Poly1305 with a random nonce: no limit on the number of values, and nothing binds a value to its place. */
export function secretBox({ name, secret }: CipherKey, randomBytes: (count: number) => Uint8Array): Cipher {
  return {
    prefix: `k8s:enc:secretbox:v1:${name}:`,
    seal(value) {
      const nonce = randomBytes(NONCE_BYTES)
      return Buffer.concat([nonce, xsalsa20poly1305(secret, nonce).encrypt(value)])
    },
    open(sealed, place) {
      if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new CannotDecrypt(`the value of ${place} is too short`)
      try {
        return xsalsa20poly1305(secret, sealed.subarray(0, NONCE_BYTES)).decrypt(sealed.subarray(NONCE_BYTES))
      } catch (cause) {
        throw new CannotDecrypt(`the value of ${place} cannot be opened with the key that it names`, { cause })
      }
    },
  }
}
