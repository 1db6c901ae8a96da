import type { ContainerView } from './snapshot.ts'

/** One step of the executor. Actions with the same `keyOfAction` are never carried out at the same time. */
export type Action =
  | { readonly type: 'run-sandbox'; readonly attempt: number }
  | { readonly type: 'stop-sandbox'; readonly id: string }
  | { readonly type: 'remove-sandbox'; readonly id: string }
  | {
      readonly type: 'start-container'
      readonly name: string
      readonly sandboxId: string
      readonly attempt: number
      readonly restartOf: ContainerView | undefined
    }
  | {
      readonly type: 'kill-container'
      readonly id: string
      readonly name: string
      readonly graceSeconds: number
      /** When the grace began to run, if that was before now. */
      readonly sinceMs?: number | undefined
      readonly message: string
    }
  | { readonly type: 'resize'; readonly containers: readonly { readonly id: string; readonly name: string }[] }
  | { readonly type: 'remove-container'; readonly id: string }
  | { readonly type: 'release-volumes' }
  | { readonly type: 'remove-cgroup' }
  | { readonly type: 'confirm-deletion' }

export interface Plan {
  readonly actions: readonly Action[]
  /** By container name: why it waits, where the runtime cannot tell. */
  readonly waiting: ReadonlyMap<string, { readonly reason: string; readonly message: string }>
  /** When time alone changes the plan. */
  readonly wakeAtMs: number | undefined
  /** Whatever is being started is broken off: all containers are to be started anew. */
  readonly restartsAll?: boolean
}

/** The key of whatever is started: one thing at a time. */
export const START = 'start'

/** A pod starts one thing after the other, so all starts share a key; each kill has its own, so that a shorter grace can follow a longer one. */
export function keyOfAction(action: Action): string {
  switch (action.type) {
    case 'run-sandbox':
    case 'start-container':
      return START
    case 'kill-container':
      return `kill ${action.id} ${action.graceSeconds}`
    case 'resize':
    case 'release-volumes':
    case 'remove-cgroup':
    case 'confirm-deletion':
      return action.type
    case 'stop-sandbox':
    case 'remove-sandbox':
    case 'remove-container':
      return `${action.type} ${action.id}`
    default:
      return action satisfies never
  }
}
