import { X509Certificate } from 'node:crypto'
import { type certificates, isNotFound, refs } from '#api'
import { type ControllerDefinition, after, done } from '#reconcile'

const HOUR_MS = 3_600_000
const DECIDED_MS = HOUR_MS
const PENDING_MS = 24 * HOUR_MS

/** When a request is of no use any more: an hour after it was decided, a day after it was made, and with the end of its certificate. */
export function uselessAtMs({ metadata, status }: certificates.CertificateSigningRequest): number {
  const conditions = status?.conditions ?? []
  const times = conditions
    .filter(({ type }) => type === 'Approved' || type === 'Denied' || type === 'Failed')
    .map(({ lastUpdateTime }) => Date.parse(lastUpdateTime ?? '') + DECIDED_MS)
  if (conditions.length === 0) times.push(Date.parse(metadata?.creationTimestamp ?? '') + PENDING_MS)
  if (status?.certificate) times.push(endOf(status.certificate))
  return Math.min(...times.filter((time) => !Number.isNaN(time)))
}

function endOf(encoded: string): number {
  try {
    return new X509Certificate(Buffer.from(encoded, 'base64')).validToDate.getTime()
  } catch {
    return Number.NaN
  }
}

/** Takes requests away that are of no use any more. */
export const certificateCleaner: ControllerDefinition = {
  name: 'certificatesigningrequest-cleaner-controller',
  workers: 1,
  setup: (context) => {
    const requests = context.watch(refs.certificatesigningrequests, ({ key, now }) => (now === undefined ? [] : [key]))
    const client = context.client.resource(refs.certificatesigningrequests)
    return async (scope, key) => {
      const request = requests.get(key)
      if (request === undefined) return done
      const leftMs = uselessAtMs(request) - scope.clock.now()
      if (leftMs > 0) return Number.isFinite(leftMs) ? after(Math.min(leftMs, PENDING_MS)) : done
      const { name = '', uid = '' } = request.metadata ?? {}
      try {
        await client.delete(scope, { name }, { preconditions: { uid } })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
      return done
    }
  },
}
