import { type Scope, messageOf } from '#base'
import { type core, refs } from '#api'
import { LEGACY_LAST_USED, type ObjectWriter } from '#apiserver'

const DAY_MS = 86_400_000
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** Writes the day on a Secret whose token is used, once a day; the cleaner of old tokens goes by it. */
export function noteSecretUse(scope: Scope, writer: ObjectWriter, secret: core.Secret): void {
  const nowMs = scope.clock.now()
  const today = dateOf(nowMs)
  const noted = secret.metadata?.labels?.[LEGACY_LAST_USED]
  if (noted === today || noted === dateOf(nowMs + DAY_MS)) return
  const labels = { ...secret.metadata?.labels, [LEGACY_LAST_USED]: today }
  writer.update(scope, refs.secrets, { ...secret, metadata: { ...secret.metadata, labels } }).catch((error: unknown) => {
    scope.log.debug('the use of a token was not noted', { secret: secret.metadata?.name, error: messageOf(error) })
  })
}

/** Says since when uses have been noted. */
export function useTracking(scope: Scope): core.ConfigMap {
  const name = 'kube-apiserver-legacy-service-account-token-tracking'
  return { metadata: { namespace: 'kube-system', name }, data: { since: dateOf(scope.clock.now()) } }
}
