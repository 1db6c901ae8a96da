import { type Scope, rfc3339 } from '#base'
import { refs } from '#api'
import type { Client } from '#client'
import type { ObjectSource } from '../objects.ts'
import type { CsiObjects } from '../volumes/csi/csi-objects.ts'
import { unlessMissing } from './unless-missing.ts'

const TOKEN_SECONDS = 3600
/** Conditions that an expansion has while it goes on. */
const GROWING: ReadonlySet<string> = new Set(['Resizing', 'FileSystemResizePending', 'NodeResizeError'])

/** Read when they are needed: a node may get single ones, and does so when a volume is mounted. */
export function csiObjects(client: Client, objects: ObjectSource): CsiObjects {
  const claims = client.resource(refs.persistentvolumeclaims)
  const volumeNamed = (scope: Scope, name: string) => unlessMissing(client.resource(refs.persistentvolumes).get(scope, { name }))
  return {
    driver: (scope, name) => unlessMissing(client.resource(refs.csidrivers).get(scope, { name })),
    attachment: (scope, name) => unlessMissing(client.resource(refs.volumeattachments).get(scope, { name })),
    secret: (scope, namespace, name) => unlessMissing(client.resource(refs.secrets).get(scope, { namespace, name })),
    async token(scope, pod, audience, expirationSeconds) {
      const { token, renewAtMs, expiresAtMs } = await objects.serviceAccountToken(scope, pod, audience, expirationSeconds ?? TOKEN_SECONDS)
      return { token, renewAtMs, expirationTimestamp: rfc3339(expiresAtMs) }
    },
    async bound(scope, namespace, name) {
      const claim = await unlessMissing(claims.get(scope, { namespace, name }))
      const volume = claim?.spec?.volumeName === undefined ? undefined : await volumeNamed(scope, claim.spec.volumeName)
      if (claim === undefined || volume === undefined || volume.spec?.claimRef?.uid !== claim.metadata?.uid) return undefined
      return { claim, volume }
    },
    async resized(scope, claim, capacity) {
      const { namespace, name = '', resourceVersion } = claim.metadata ?? {}
      const conditions = (claim.status?.conditions ?? []).filter(({ type }) => !GROWING.has(type))
      const status = { capacity: { storage: capacity }, conditions, allocatedResourceStatuses: { storage: null } }
      await claims.patch(
        scope,
        { namespace, name },
        { type: 'merge', body: { metadata: { resourceVersion }, status } },
        { subresource: 'status' },
      )
    },
  }
}
