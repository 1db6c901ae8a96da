import type { core } from '#api'
import type { Scope } from '#base'
import type { Device, Mount } from '../cri/runtime.ts'
import type { AnyContainer } from '../pods/pod-facts.ts'

/** What a container gets beside what its pod says: of device plugins, and of the drivers of its claims. */
export interface ContainerExtras {
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly mounts: readonly Mount[]
  readonly devices: readonly Device[]
  readonly annotations: Readonly<Record<string, string>>
  /** Qualified names of the Container Device Interface. */
  readonly cdiDevices: readonly string[]
}

export const NO_EXTRAS: ContainerExtras = { env: [], mounts: [], devices: [], annotations: {}, cdiDevices: [] }

/** The first that sets something keeps it: the same variable, path or annotation is given once. */
export function joinExtras(all: readonly ContainerExtras[]): ContainerExtras {
  if (all.length === 0) return NO_EXTRAS
  const first = <T>(items: readonly T[], key: (item: T) => string): T[] =>
    [...new Map(items.toReversed().map((item) => [key(item), item])).values()].toReversed()
  return {
    env: first(
      all.flatMap(({ env }) => env),
      ({ name }) => name,
    ),
    mounts: first(
      all.flatMap(({ mounts }) => mounts),
      ({ containerPath }) => containerPath,
    ),
    devices: first(
      all.flatMap(({ devices }) => devices),
      ({ containerPath }) => containerPath,
    ),
    annotations: Object.assign({}, ...all.map(({ annotations }) => annotations).toReversed()) as Record<string, string>,
    cdiDevices: [...new Set(all.flatMap(({ cdiDevices }) => cdiDevices))],
  }
}

/** What is handed out to pods by others than the runtime. */
export interface PodResources {
  /** Before the pod's sandbox is made. Idempotent. Throws `PodRejected`, or `StartRefused` to be tried again. */
  prepare(scope: Scope, pod: core.Pod): Promise<void>
  /** Just before a container is made of them. Throws `StartRefused`. */
  extrasOf(scope: Scope, pod: core.Pod, container: AnyContainer): Promise<ContainerExtras>
  /** When nothing of the pod runs any more. Idempotent. */
  release(scope: Scope, pod: core.Pod): Promise<void>
  /** How what a container has is doing, as its status tells. */
  healthOf(pod: core.Pod, container: string): readonly core.ResourceStatus[]
}

export function joinResources(parts: readonly PodResources[]): PodResources {
  return {
    async prepare(scope, pod) {
      for (const part of parts) await part.prepare(scope, pod)
    },
    async extrasOf(scope, pod, container) {
      const all: ContainerExtras[] = []
      for (const part of parts) all.push(await part.extrasOf(scope, pod, container))
      return joinExtras(all.filter((one) => one !== NO_EXTRAS))
    },
    async release(scope, pod) {
      for (const part of parts) await part.release(scope, pod)
    },
    healthOf: (pod, container) => parts.flatMap((part) => part.healthOf(pod, container)),
  }
}
