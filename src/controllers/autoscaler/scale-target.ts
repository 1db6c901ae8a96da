import type { Scope } from '#base'
import type { ResourceRef, autoscaling, autoscalingV1 } from '#api'
import { type Client, discover } from '#client'
import { isNotThere } from './not-there.ts'

export interface ScaleTarget {
  readonly ref: ResourceRef
  readonly scale: autoscalingV1.Scale
}

/** Finds what an autoscaler points at, of whatever kind. */
export interface TargetFinder {
  /** Throws where no such kind is served. */
  resourceOf(scope: Scope, target: autoscaling.CrossVersionObjectReference): Promise<ResourceRef>
  find(scope: Scope, namespace: string, target: autoscaling.CrossVersionObjectReference): Promise<ScaleTarget>
  resize(scope: Scope, namespace: string, target: ScaleTarget, replicas: number): Promise<void>
}

/** A kind that is not known is asked for again, but not more often than this. */
const ASK_EVERY_MS = 5_000

export function targetFinder(client: Client): TargetFinder {
  let known: ReadonlyMap<string, ResourceRef> = new Map()
  let askedAtMs = Number.NEGATIVE_INFINITY

  async function resourceOf(scope: Scope, { apiVersion, kind }: autoscaling.CrossVersionObjectReference): Promise<ResourceRef> {
    const group = groupOf(apiVersion ?? '')
    const id = `${group}/${kind}`
    const nowMs = scope.clock.monotonic()
    if (!known.has(id) && nowMs - askedAtMs >= ASK_EVERY_MS) {
      const { resources } = await discover(scope, client)
      known = new Map(resources.map(({ ref }) => [`${ref.group}/${ref.kind}`, ref]))
      askedAtMs = nowMs
    }
    const ref = known.get(id)
    if (ref === undefined) throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`)
    return ref
  }

  return {
    resourceOf,
    async find(scope, namespace, target) {
      const ref = await resourceOf(scope, target)
      try {
        const at = { namespace, name: target.name }
        return { ref, scale: await client.resource(ref).subresource<autoscalingV1.Scale>(scope, at, 'scale', { verb: 'get' }) }
      } catch (error) {
        scope.check()
        if (!isNotThere(error)) throw error
        // The kind may have gone since it was discovered, or it may have no scale.
        known = new Map()
        throw new Error('the server could not find the requested resource', { cause: error })
      }
    },
    async resize(scope, namespace, { ref, scale }, replicas) {
      const body = { ...scale, spec: { ...scale.spec, replicas } }
      await client.resource(ref).subresource(scope, { namespace, name: scale.metadata?.name ?? '' }, 'scale', { verb: 'update', body })
    },
  }
}

function groupOf(apiVersion: string): string {
  const parts = apiVersion.split('/')
  if (parts.length > 2) throw new Error(`unexpected GroupVersion string: ${apiVersion}`)
  return parts.length === 2 ? (parts[0] ?? '') : ''
}
