import { pemBlocks } from '../../validation/pem.ts'
import { Malformed, privateKeyOf, publicKeyOf } from './x509.ts'

/**
 * Why a server cannot be run with this certificate and key, in PEM, in the words of Go's library: clients show them. Undefined when nothing
 * is found. Keys that do not tell their public half (Ed25519, some on a curve) are not compared with the certificate.
 */
export function tlsPairProblem(certificates: string, keys: string): string | undefined {
  const given = pemBlocks(certificates)
  const certificate = given.find(({ type }) => type === 'CERTIFICATE')
  const skipped = given.map(({ type }) => type)
  if (certificate === undefined) {
    if (skipped.length === 0) return 'tls: failed to find any PEM data in certificate input'
    if (skipped.length === 1 && skipped[0]?.endsWith('PRIVATE KEY'))
      return 'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'
    return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${skipped.join(' ')}]`
  }
  const blocks = pemBlocks(keys)
  const key = blocks.find(({ type }) => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY'))
  if (key === undefined) {
    const types = blocks.map(({ type }) => type)
    if (types.length === 0) return 'tls: failed to find any PEM data in key input'
    if (types.length === 1 && types[0] === 'CERTIFICATE') return 'tls: found a certificate rather than a key in the PEM for the private key'
    return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${types.join(' ')}]`
  }
  try {
    const wanted = publicKeyOf(certificate.bytes)
    const found = privateKeyOf(key.bytes)
    if (found === undefined) return 'tls: failed to parse private key'
    if (wanted.kind === 'other') return 'tls: unknown public key algorithm'
    if (wanted.kind !== found.kind) return 'tls: private key type does not match public key type'
    const isOther = found.curve !== wanted.curve || (found.value !== undefined && found.value !== wanted.value)
    return isOther ? 'tls: private key does not match public key' : undefined
  } catch (error) {
    if (error instanceof Malformed) return error.message
    throw error
  }
}
