import type { KubeObject, apps, batch } from '#api'
import type { Mode } from './objects.ts'

/** How it was before it was held: the count of a Deployment, whether a CronJob was suspended. Its presence says that it is held. */
export const HELD = 'sampan.io/held'
/** No node has it. */
const NO_NODE = 'sampan.io/held'

export const isHeldIn = (mode: Mode): boolean => mode !== 'Running'

export const isHeld = ({ metadata }: KubeObject): boolean => metadata?.annotations?.[HELD] !== undefined

/** What holds a workload so that it has no pods, and what brings it back. Pure; both are merge patches of one object, with the memory in it. */
interface Hold {
  readonly memory: string
  readonly spec: object
}

/** Undefined: there is nothing to hold. */
export function holdOf(object: KubeObject): Hold | undefined {
  switch (object.kind) {
    case 'Deployment':
    case 'StatefulSet':
      return { memory: String((object as apps.Deployment).spec?.replicas ?? 1), spec: { replicas: 0 } }
    case 'DaemonSet':
      return { memory: '', spec: { template: { spec: { nodeSelector: { [NO_NODE]: 'true' } } } } }
    case 'CronJob':
      return { memory: String((object as batch.CronJob).spec?.suspend ?? false), spec: { suspend: true } }
    case 'Job':
      return hasEnded(object) ? undefined : { memory: String((object as batch.Job).spec?.suspend ?? false), spec: { suspend: true } }
    default:
      return undefined
  }
}

function releaseOf(object: KubeObject, memory: string): object {
  switch (object.kind) {
    case 'Deployment':
    case 'StatefulSet':
      return { replicas: /^\d{1,9}$/.test(memory) ? Number(memory) : 1 }
    case 'DaemonSet':
      return { template: { spec: { nodeSelector: { [NO_NODE]: null } } } }
    default:
      return { suspend: memory === 'true' }
  }
}

/** A merge patch that makes a part be held or not, or undefined when it is as it should be. */
export function modePatch(live: KubeObject, mode: Mode): object | undefined {
  const memory = live.metadata?.annotations?.[HELD]
  if (!isHeldIn(mode))
    return memory === undefined ? undefined : { metadata: { annotations: { [HELD]: null } }, spec: releaseOf(live, memory) }
  const hold = memory === undefined ? holdOf(live) : undefined
  return hold && { metadata: { annotations: { [HELD]: hold.memory } }, spec: hold.spec }
}

const hasEnded = (job: KubeObject): boolean =>
  (job as batch.Job).status?.conditions?.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True') ===
  true
