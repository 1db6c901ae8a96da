import type { ProtobufReader } from '#base'
import { WIRE } from '#base'
import { bytes, fields, message, readAnnotation, text, type WrappedSecret, writeAnnotations } from './plugin.ts'

/** What a value is sealed with: the secret itself as an AES-GCM key, or a key of its own that is derived from the secret. */
export const SECRET_USE = { key: 0, seed: 1 } as const
export type SecretUse = (typeof SECRET_USE)[keyof typeof SECRET_USE]

/** A stored value, as kube-apiserver stores it too: what it is sealed with lies beside it, wrapped by the key service. */
export interface Envelope {
  readonly sealed: Uint8Array
  readonly secret: WrappedSecret
  readonly use: SecretUse
}

const MAX_KEY_ID_BYTES = 1024
const MAX_SECRET_BYTES = 1024
const MAX_ANNOTATION_BYTES = 32 * 1024

export function encodeEnvelope({ sealed, secret, use }: Envelope): Uint8Array {
  return message((to) => {
    if (use !== 0) {
      to.uint(use)
      to.tag(5, WIRE.varint)
    }
    writeAnnotations(to, 4, secret.annotations)
    bytes(to, 3, secret.ciphertext)
    text(to, 2, secret.keyId)
    bytes(to, 1, sealed)
  })
}

/** Throws for what is no envelope. */
export function decodeEnvelope(stored: Uint8Array): Envelope {
  let [sealed, ciphertext]: Uint8Array[] = [new Uint8Array(0), new Uint8Array(0)]
  let keyId = ''
  let use = 0
  const annotations: Record<string, Uint8Array> = Object.create(null)
  fields(stored, (field: number, from: ProtobufReader) => {
    if (field === 1) sealed = from.bytes()
    else if (field === 2) keyId = from.string()
    else if (field === 3) ciphertext = Uint8Array.from(from.bytes())
    else if (field === 4) readAnnotation(from.message(), annotations)
    else if (field === 5) use = from.uint()
    else return false
    return true
  })
  if (use !== SECRET_USE.key && use !== SECRET_USE.seed) throw new Error(`unknown encryptedDEKSourceType: ${use}`)
  if (sealed === undefined || sealed.length === 0) throw new Error('encrypted data is empty')
  const secret = { ciphertext: ciphertext ?? new Uint8Array(0), keyId, annotations }
  const problem = wrappedProblem(secret)
  if (problem !== undefined) throw new Error(problem)
  return { sealed, secret, use }
}

/** Why a secret cannot be kept in this form. */
export function wrappedProblem({ ciphertext, keyId, annotations }: WrappedSecret): string | undefined {
  if (ciphertext.length === 0) return 'failed to validate encrypted DEK source: encrypted DEK source is empty'
  if (ciphertext.length > MAX_SECRET_BYTES)
    return `failed to validate encrypted DEK source: encrypted DEK source is ${ciphertext.length} bytes, which exceeds the max size of ${MAX_SECRET_BYTES}`
  const ofKey = keyIdProblem(keyId)
  if (ofKey !== undefined) return `failed to validate key id: ${ofKey}`
  let size = 0
  for (const [name, value] of Object.entries(annotations)) {
    if (!isDomainName(name)) return `failed to validate annotations: annotations: Invalid value: ${JSON.stringify(name)}`
    size += Buffer.byteLength(name) + value.length
  }
  return size > MAX_ANNOTATION_BYTES
    ? `failed to validate annotations: total size of annotations is ${size}, which exceeds the max size of ${MAX_ANNOTATION_BYTES}`
    : undefined
}

export function keyIdProblem(keyId: string): string | undefined {
  const length = Buffer.byteLength(keyId)
  if (length === 0) return 'keyID is empty'
  return length > MAX_KEY_ID_BYTES ? `keyID is ${length} bytes, which exceeds the max size of ${MAX_KEY_ID_BYTES}` : undefined
}

/** At least two labels. */
function isDomainName(name: string): boolean {
  const labels = (name.endsWith('.') ? name.slice(0, -1) : name).split('.')
  return name.length <= 253 && labels.length > 1 && labels.every((label) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(label))
}
