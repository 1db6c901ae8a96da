import { X509Certificate, createPrivateKey } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { messageOf } from '#base'
import type { core } from '#api'

/** What a Secret holds, read and written anew: nothing of its text goes on but what a library has made of it. */
export type ReadCertificate =
  | {
      readonly pem: string
      readonly notAfterMs: number
      readonly isFor: (host: string) => boolean
      /** That it is made for. */
      readonly names: readonly string[]
    }
  | { readonly problem: string }

/** A certificate with its chain and key reaches the data plane in one message of limited length. */
export const LONGEST_PEM_BYTES = 15_000
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g
const MOST_IN_CHAIN = 8

export function readCertificate({ data }: core.Secret): ReadCertificate {
  const certificates = textOf(data?.['tls.crt'])
  const key = textOf(data?.['tls.key'])
  if (certificates === undefined || key === undefined) return { problem: 'it has no tls.crt and tls.key of a sensible size' }
  try {
    const chain = (certificates.match(CERTIFICATE) ?? []).map((block) => new X509Certificate(block))
    const [leaf] = chain
    if (leaf === undefined) return { problem: 'tls.crt holds no certificate' }
    if (chain.length > MOST_IN_CHAIN) return { problem: `tls.crt holds more than ${MOST_IN_CHAIN} certificates` }
    const privateKey = createPrivateKey(key)
    if (!leaf.checkPrivateKey(privateKey)) return { problem: 'tls.key is not the key of the first certificate in tls.crt' }
    const cert = chain.map((one) => one.toString().trim()).join('\n')
    const written = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim()
    // The TLS library refuses what is too weak: one such certificate must not keep the data plane from starting.
    createSecureContext({ cert, key: written, minVersion: 'TLSv1.2' })
    const pem = `${cert}\n${written}\n`
    if (pem.length > LONGEST_PEM_BYTES) return { problem: `chain and key are longer than ${LONGEST_PEM_BYTES} bytes` }
    return {
      pem,
      notAfterMs: leaf.validToDate.getTime(),
      names: namesOf(leaf),
      isFor: (host) => leaf.checkHost(host.replace('*', 'any'), { subject: 'default', wildcards: true }) !== undefined,
    }
  } catch (error) {
    return { problem: `it cannot be used: ${messageOf(error).slice(0, 120)}` }
  }
}

const namesOf = ({ subjectAltName = '' }: X509Certificate): readonly string[] =>
  subjectAltName.split(', ').flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length).toLowerCase()] : []))

function textOf(base64: string | undefined): string | undefined {
  return base64 === undefined || base64.length > LONGEST_PEM_BYTES * 3 ? undefined : Buffer.from(base64, 'base64').toString('latin1')
}
