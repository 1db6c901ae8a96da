import type { Scope } from '#base'
import { type ResourceRef, type autoscaling, type autoscalingV1, isConflict } from '#api'
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
  /** What somebody else writes to the target meanwhile is no reason to give up. */
  resize(scope: Scope, namespace: string, target: ScaleTarget, replicas: number): Promise<void>
}

/** A kind that is not known is asked for again, but not more often than this. */
const ASK_EVERY_MS = 5_000
const RESIZE_TRIES = 5

export function targetFinder(client: Client): TargetFinder {
  let known: ReadonlyMap<string, ResourceRef> = new Map()
  /** Kinds that did not answer as what they are known for. */
  const doubted = new Set<string>()
  let askedAtMs = Number.NEGATIVE_INFINITY

  async function resourceOf(scope: Scope, { apiVersion = '', kind }: autoscaling.CrossVersionObjectReference): Promise<ResourceRef> {
    const group = groupOf(apiVersion)
    const id = idOf({ apiVersion, kind })
    const nowMs = scope.clock.monotonic()
    if ((!known.has(id) || doubted.has(id)) && nowMs - askedAtMs >= ASK_EVERY_MS) {
      const { resources } = await discover(scope, client)
      known = new Map(resources.map(({ ref }) => [`${ref.group}/${ref.kind}`, ref]))
      askedAtMs = nowMs
      doubted.clear()
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
        doubted.add(idOf(target))
        throw new Error('the server could not find the requested resource', { cause: error })
      }
    },
    async resize(scope, namespace, { ref, scale }, replicas) {
      const [targets, at] = [client.resource(ref), { namespace, name: scale.metadata?.name ?? '' }]
      let newest = scale
      for (let tries = 1; ; tries++) {
        try {
          await targets.subresource(scope, at, 'scale', { verb: 'update', body: { ...newest, spec: { ...newest.spec, replicas } } })
          return
        } catch (error) {
          if (!isConflict(error) || tries === RESIZE_TRIES) throw error
          newest = await targets.subresource<autoscalingV1.Scale>(scope, at, 'scale', { verb: 'get' }).catch(() => newest)
        }
      }
    },
  }
}

const idOf = ({ apiVersion = '', kind }: Pick<autoscaling.CrossVersionObjectReference, 'apiVersion' | 'kind'>): string =>
  `${groupOf(apiVersion)}/${kind}`

function groupOf(apiVersion: string): string {
  const parts = apiVersion.split('/')
  if (parts.length > 2) throw new Error(`unexpected GroupVersion string: ${apiVersion}`)
  return parts.length === 2 ? (parts[0] ?? '') : ''
}
