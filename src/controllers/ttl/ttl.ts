import { refs } from '#api'
import { type ControllerDefinition, done } from '#reconcile'

const ANNOTATION = 'node.alpha.kubernetes.io/ttl'

/** Nodes in the cluster up to which kubelets may keep Secrets and ConfigMaps for so many seconds; each step begins lower on the way down. */
const STEPS = [
  { from: 0, to: 100, seconds: 0 },
  { from: 90, to: 500, seconds: 15 },
  { from: 450, to: 1000, seconds: 30 },
  { from: 900, to: 2000, seconds: 60 },
  { from: 1800, to: Number.POSITIVE_INFINITY, seconds: 300 },
] as const

/** The step after a change in the number of nodes. */
export function nextStep(step: number, nodes: number): number {
  let next = step
  while (nodes > (STEPS[next]?.to ?? 0) && next < STEPS.length - 1) next++
  while (nodes < (STEPS[next]?.from ?? 0) && next > 0) next--
  return next
}

/** Tells kubelets how long to keep what they have read: the more nodes, the longer. */
export const ttlController: ControllerDefinition = {
  name: 'ttl-controller',
  workers: 2,
  setup(context) {
    let step = 0
    const nodes = context.watch(refs.nodes, ({ key, old, now }) => {
      if (old !== undefined && now !== undefined)
        return old.metadata?.annotations?.[ANNOTATION] === now.metadata?.annotations?.[ANNOTATION] ? [] : [key]
      const before = step
      step = nextStep(step, context.informers.informer(refs.nodes).list().length)
      return step === before
        ? [key]
        : context.informers
            .informer(refs.nodes)
            .list()
            .map((node) => node.metadata?.name ?? '')
    })
    const client = context.client.resource(refs.nodes)
    return async (scope, name) => {
      const wanted = String(STEPS[step]?.seconds ?? 0)
      const node = nodes.get(name)
      if (node === undefined || node.metadata?.annotations?.[ANNOTATION] === wanted) return done
      await client.patch(scope, { name }, { type: 'merge', body: { metadata: { annotations: { [ANNOTATION]: wanted } } } })
      return done
    }
  },
}
