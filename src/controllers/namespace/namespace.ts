import { type Scope, messageOf } from '#base'
import { type core, REASONS, type ResourceRef, hasReason, isNotFound, refs } from '#api'
import { type DiscoveredResource, discover } from '#client'
import { after, type ControllerDefinition, done, inParallel, sameOnWire } from '#reconcile'
import { type ContentFindings, planConditions } from './plan-conditions.ts'

export interface NamespaceOptions {
  /**
   * How long after its deletion the content of a namespace is left alone, so that every API server has seen the deletion and lets
   * nothing new in. Kubernetes waits five seconds.
   */
  readonly settleMs: number
}

const FINALIZER = 'kubernetes'
const WIDTH = 8
const LOOK_AGAIN = { leastMs: 200, mostMs: 5000 }

/** Empties namespaces that are being deleted, whatever kinds there are, and lets them go when nothing is left. */
export function namespaceController(options: NamespaceOptions): ControllerDefinition {
  return {
    name: 'namespace-controller',
    workers: 4,
    setup(context) {
      const { client } = context
      const namespaces = context.watch(refs.namespaces, ({ key, now }) => (now?.metadata?.deletionTimestamp === undefined ? [] : [key]))
      const namespaceClient = client.resource(refs.namespaces)

      async function empty(scope: Scope, namespace: string): Promise<ContentFindings> {
        const discovery = await discover(scope, client)
        const remaining = new Map<string, number>()
        const finalizers = new Map<string, number>()
        const deletionFailures: string[] = []
        const sweep = async (resource: DiscoveredResource): Promise<void> => {
          try {
            const left = await deleteAll(scope, resource, namespace)
            if (left.length > 0) remaining.set(`${resource.ref.plural}.${resource.ref.group}`, left.length)
            for (const object of left)
              for (const name of object.metadata?.finalizers ?? []) finalizers.set(name, (finalizers.get(name) ?? 0) + 1)
          } catch (error) {
            scope.check()
            deletionFailures.push(messageOf(error))
          }
        }
        const swept = discovery.resources.filter(
          ({ ref, verbs }) => ref.namespaced && verbs.has('list') && verbs.has('delete') && !isMirror(ref),
        )
        // Pods go first: what they use (Secrets, NetworkPolicies, …) stays until they are gone.
        const isPods = ({ ref }: DiscoveredResource): boolean => ref.group === '' && ref.plural === 'pods'
        await inParallel(swept.filter(isPods), 1, sweep)
        if (!remaining.has('pods.'))
          await inParallel(
            swept.filter((resource) => !isPods(resource)),
            WIDTH,
            sweep,
          )
        return { discoveryFailures: discovery.failures, deletionFailures, remaining, finalizers }
      }

      async function deleteAll(
        scope: Scope,
        { ref, verbs }: DiscoveredResource,
        namespace: string,
      ): Promise<readonly { readonly metadata?: core.Pod['metadata'] }[]> {
        const objects = client.metadata(ref)
        const list = async () => {
          try {
            return (await objects.list(scope, { namespace })).items ?? []
          } catch (error) {
            if (isNotFound(error) || hasReason(error, REASONS.methodNotAllowed)) return []
            throw error
          }
        }
        const present = await list()
        if (present.length === 0) return present
        if (verbs.has('deletecollection')) await objects.deleteCollection(scope, { namespace }, { propagationPolicy: 'Background' })
        else {
          await inParallel(present, WIDTH, async (object) => {
            try {
              await objects.delete(scope, { namespace, name: object.metadata?.name ?? '' }, { propagationPolicy: 'Background' })
            } catch (error) {
              if (!isNotFound(error)) throw error
            }
          })
        }
        return list()
      }

      return async (scope, name) => {
        const namespace = namespaces.get(name)
        const deletedAt = namespace?.metadata?.deletionTimestamp
        if (namespace === undefined || deletedAt === undefined || !(namespace.spec?.finalizers ?? []).includes(FINALIZER)) return done
        const sinceMs = scope.clock.now() - Date.parse(deletedAt)
        if (sinceMs < options.settleMs) return after(options.settleMs - sinceMs)

        const found = await empty(scope, name)
        const present = namespace.status?.conditions ?? []
        const conditions = planConditions(present, found, scope.clock.now())
        const status: core.NamespaceStatus = { ...namespace.status, phase: 'Terminating', conditions }
        const isEmpty = found.remaining.size === 0 && found.deletionFailures.length === 0 && found.discoveryFailures.length === 0
        const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER)
        const goes = isEmpty && finalizers.length === 0 && (namespace.metadata?.finalizers ?? []).length === 0
        let latest = namespace
        if (!goes && (!sameOnWire(present, conditions) || namespace.status?.phase !== 'Terminating'))
          latest = await namespaceClient.update(scope, { ...namespace, status }, { subresource: 'status' })
        if (isEmpty) {
          const body = { ...latest, apiVersion: 'v1', kind: 'Namespace', spec: { ...latest.spec, finalizers } }
          await namespaceClient.subresource(scope, { name }, 'finalize', { verb: 'update', body }).catch((error: unknown) => {
            if (!isNotFound(error)) throw error
          })
          return done
        }
        return after(Math.min(LOOK_AGAIN.mostMs, Math.max(LOOK_AGAIN.leastMs, (sinceMs - options.settleMs) / 4)))
      }
    },
  }
}

/** Served twice from the same store: swept once. */
function isMirror(ref: ResourceRef): boolean {
  return ref.group === 'events.k8s.io'
}
