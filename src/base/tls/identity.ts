import { X509Certificate, hash } from 'node:crypto'
import type { KeyPair } from './issue.ts'

/**
 * A certificate with its key that may be replaced by a newer one while it is in use. Who opens connections looks at `current` for each of
 * them; who holds it in a place of its own asks to be told.
 */
export interface Identity {
  readonly current: KeyPair
  /** Called with each newer one, until the function that is answered is called. */
  onChange(listener: (pair: KeyPair) => void): () => void
}

/** An identity that its owner replaces. */
export class ReplaceableIdentity implements Identity {
  #current: KeyPair
  readonly #listeners = new Set<(pair: KeyPair) => void>()

  constructor(first: KeyPair) {
    this.#current = first
  }

  get current(): KeyPair {
    return this.#current
  }

  replace(pair: KeyPair): void {
    this.#current = pair
    for (const listener of this.#listeners) listener(pair)
  }

  onChange(listener: (pair: KeyPair) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** A file with a certificate and its key, in that order: one name, so that the two always belong together. Undefined: it holds no pair. */
export function parsePairFile(text: string): KeyPair | undefined {
  const key = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n?/.exec(text)?.[0]
  const certificate = (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g) ?? []).join('')
  return key === undefined || certificate === '' ? undefined : { certificate, key }
}

export const pairFileText = ({ certificate, key }: KeyPair): string => `${certificate.trimEnd()}\n${key.trimEnd()}\n`

/** When a certificate (PEM) is good, in milliseconds since the epoch. */
export function validityOf(certificate: string): { readonly startMs: number; readonly endMs: number } {
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  return { startMs: validFromDate.getTime(), endMs: validToDate.getTime() }
}

/** How the public key of a certificate is written down to be recognised: `sha256:` and the digest of its SubjectPublicKeyInfo, in hex. */
export const publicKeyPin = (certificate: X509Certificate): string =>
  `sha256:${hash('sha256', certificate.publicKey.export({ type: 'spki', format: 'der' }), 'hex')}`
