import { type CertificateVerifier, UntrustedCertificate, type VerifiedCertificate } from '#base'
import { statusError } from '#api'
import type { Authenticator, UserInfo } from '../../contract.ts'
import { EXTRA, authenticated } from '../users.ts'
import type { CertificateMetrics } from './certificate-metrics.ts'

/** Users of client certificates: the common name is the user, the organizations are the groups. */
export function clientCertificateAuthenticator(verifier: CertificateVerifier, metrics: CertificateMetrics): Authenticator {
  const users = new WeakMap<VerifiedCertificate, UserInfo>()
  return {
    name: 'client-certificate',
    authenticate(scope, { peer }) {
      if (peer.certificate === undefined) return undefined
      let verified: VerifiedCertificate
      try {
        const now = scope.clock.now()
        verified = verifier.verify(peer.certificate, now)
        metrics.shown((verified.notAfterMs - now) / 1000)
      } catch (error) {
        if (!(error instanceof UntrustedCertificate)) throw error
        scope.log.debug('client certificate refused', { reason: error.message })
        throw statusError.unauthorized()
      }
      let user = users.get(verified)
      if (user === undefined) {
        user = userOf(verified)
        users.set(verified, user)
      }
      return user
    },
  }
}

function userOf({ subject, fingerprint }: VerifiedCertificate): UserInfo {
  if (subject.commonName === '') throw statusError.unauthorized()
  return authenticated({
    name: subject.commonName,
    groups: subject.organizations ?? [],
    extra: { [EXTRA.credentialId]: [`X509SHA256=${fingerprint}`] },
  })
}
