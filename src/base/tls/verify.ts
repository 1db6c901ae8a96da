import { X509Certificate, hash } from 'node:crypto'
import { SampanError, messageOf } from '../errors.ts'
import { USAGES, type Subject, type Usage } from './issue.ts'

/** A certificate that is not to be trusted, and why. */
export class UntrustedCertificate extends SampanError {
  readonly code = 'UNTRUSTED_CERTIFICATE'
}

export interface VerifiedCertificate {
  readonly subject: Subject
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string
  readonly notAfterMs: number
}

export interface CertificateVerifier {
  /**
   * Checks a certificate (DER) that its owner has proven to own: signed by one of the authorities, within its time, made for
   * the usage. Throws `UntrustedCertificate`. The result for the same bytes is remembered; only the time is looked at again.
   */
  verify(der: Uint8Array, nowMs: number): VerifiedCertificate
}

/** How many different certificates are remembered; more start over. */
const REMEMBERED = 4096

interface Known {
  readonly notBeforeMs: number
  readonly result: VerifiedCertificate
}

/** The certificates of a PEM bundle. */
export function certificatesOf(pem: string): readonly X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((one) => new X509Certificate(one))
}

export function certificateVerifier(authoritiesPem: string, usage: Usage): CertificateVerifier {
  const authorities = certificatesOf(authoritiesPem)
  const byBytes = new WeakMap<Uint8Array, Known>()
  const byFingerprint = new Map<string, Known>()

  const know = (der: Uint8Array): Known => {
    const fingerprint = hash('sha256', der, 'hex')
    let known = byFingerprint.get(fingerprint)
    if (known === undefined) {
      known = check(der, fingerprint, authorities, usage)
      if (byFingerprint.size >= REMEMBERED) byFingerprint.clear()
      byFingerprint.set(fingerprint, known)
    }
    byBytes.set(der, known)
    return known
  }

  return {
    verify(der, nowMs) {
      const { result, notBeforeMs } = byBytes.get(der) ?? know(der)
      if (nowMs < notBeforeMs) throw new UntrustedCertificate('the certificate is not yet valid')
      if (nowMs > result.notAfterMs) throw new UntrustedCertificate('the certificate has expired')
      return result
    },
  }
}

function check(der: Uint8Array, fingerprint: string, authorities: readonly X509Certificate[], usage: Usage): Known {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(der)
  } catch (error) {
    throw new UntrustedCertificate(`the certificate cannot be read: ${messageOf(error)}`)
  }
  const signer = authorities.find((authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey))
  if (signer === undefined) throw new UntrustedCertificate('the certificate is signed by an unknown authority')
  // Node's name for the extended key usages; undefined when the certificate has none, which means any.
  const usages: readonly string[] | undefined = certificate.keyUsage
  if (usages !== undefined && !usages.includes(USAGES[usage])) {
    throw new UntrustedCertificate(`the certificate is not made for ${usage}`)
  }
  const notAfterMs = Math.min(certificate.validToDate.getTime(), signer.validToDate.getTime())
  return {
    notBeforeMs: Math.max(certificate.validFromDate.getTime(), signer.validFromDate.getTime()),
    result: { subject: subjectOf(certificate), fingerprint, notAfterMs },
  }
}

export function subjectOf(certificate: X509Certificate): Subject {
  const fields = certificate.toLegacyObject().subject as unknown as Record<string, string | readonly string[] | undefined>
  const all = (value: string | readonly string[] | undefined): readonly string[] =>
    value === undefined ? [] : typeof value === 'string' ? [value] : value
  return { commonName: all(fields['CN']).at(-1) ?? '', organizations: all(fields['O']) }
}
