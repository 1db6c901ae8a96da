import { createPrivateKey, createPublicKey, hash } from 'node:crypto'
import { type KeyPair, type Scope, SampanError, type Subject, certificatesOf, createSigningRequest } from '#base'
import { type certificates, isAlreadyExists, isExpired, refs } from '#api'
import type { Client } from '#client'

/** A request for a certificate was denied, cannot be signed, or was answered with something else. */
export class CertificateRefused extends SampanError {
  readonly code = 'CERTIFICATE_REFUSED'
}

export interface CertificateOrder {
  readonly signerName: string
  /** Beside "digital signature". */
  readonly usage: 'client auth' | 'server auth'
  readonly subject: Subject
  /** DNS names and addresses. */
  readonly names?: readonly string[]
}

/**
 * Orders a certificate for a key (PEM) by a CertificateSigningRequest and waits until it is there. The request's name comes from the key and the order, so an order
 * that was cut short is taken up where it was. Throws `CertificateRefused`. `onWait` hears the name of a request that somebody has to decide.
 */
export async function requestCertificate(
  scope: Scope,
  client: Client,
  key: string,
  order: CertificateOrder,
  onWait: (name: string) => void = () => undefined,
): Promise<KeyPair> {
  const requests = client.resource(refs.certificatesigningrequests)
  const name = requestName(key, order)
  const asked: certificates.CertificateSigningRequest = {
    metadata: { name },
    spec: {
      request: Buffer.from(await createSigningRequest(key, order)).toString('base64'),
      signerName: order.signerName,
      usages: ['digital signature', order.usage],
    },
  }
  try {
    await requests.create(scope, asked)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
  const fieldSelector = `metadata.name=${name}`
  for (;;) {
    const { items, metadata } = await requests.list(scope, { fieldSelector })
    const [first] = items
    if (first === undefined) throw new CertificateRefused(`the certificate signing request ${name} is gone`)
    const answer = answerTo(first, key)
    if (answer !== undefined) return answer
    onWait(name)
    try {
      for await (const event of requests.watch(scope, { fieldSelector, resourceVersion: metadata?.resourceVersion ?? '' })) {
        if (event.type === 'BOOKMARK') continue
        if (event.type === 'DELETED') throw new CertificateRefused(`the certificate signing request ${name} was deleted`)
        const found = answerTo(event.object, key)
        if (found !== undefined) return found
      }
    } catch (error) {
      if (!isExpired(error)) throw error
    }
  }
}

/** Everything that decides what the certificate is; a signature differs each time. */
function requestName(key: string, { signerName, usage, subject, names = [] }: CertificateOrder): string {
  const publicKey = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' }).toString()
  return `node-csr-${hash('sha256', JSON.stringify([publicKey, signerName, usage, subject, names]), 'hex')}`
}

/** Undefined while it is not decided or not signed. */
function answerTo({ metadata, status }: certificates.CertificateSigningRequest, key: string): KeyPair | undefined {
  for (const { type, status: is = 'True', reason = '', message = '' } of status?.conditions ?? [])
    if ((type === 'Denied' || type === 'Failed') && is === 'True')
      throw new CertificateRefused(
        `the certificate signing request ${metadata?.name ?? ''} was ${type.toLowerCase()}: ${reason} ${message}`.trimEnd(),
      )
  if (status?.certificate === undefined || status.certificate === '') return undefined
  const certificate = Buffer.from(status.certificate, 'base64').toString()
  const [leaf] = certificatesOf(certificate)
  if (leaf === undefined || !leaf.checkPrivateKey(createPrivateKey(key)))
    throw new CertificateRefused(`the certificate signing request ${metadata?.name ?? ''} was answered with a certificate of another key`)
  return { certificate, key }
}
