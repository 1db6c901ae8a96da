import { join } from 'node:path'
import type { core } from '#api'
import type { Placement } from '../alignment/provider.ts'
import type { ContainerExtras } from '../devices/container-extras.ts'
import type { ContainerSpec, Device, Image, Mount, UserMapping } from '../cri/runtime.ts'
import { ANNOTATIONS, type AnyContainer, LABELS, containerHash, graceOf, nameOf, namespaceOf, uidOf } from '../pods/pod-facts.ts'
import type { NodeSettings } from '../settings.ts'
import { expand } from './expand.ts'
import { resourceSettings, resourcesOf } from './resources.ts'
import { securityOf } from './security.ts'

export interface ContainerParts {
  readonly pod: core.Pod
  readonly container: AnyContainer
  readonly attempt: number
  readonly image: Image
  readonly environment: ReadonlyMap<string, string>
  readonly mounts: readonly Mount[]
  readonly devices: readonly Device[]
  readonly extras: ContainerExtras
  readonly placement: Placement
  readonly settings: NodeSettings
  /** On the node; what the container writes there is its termination message. */
  readonly terminationMessageFile: string
  /** The container whose processes an ephemeral one wants to see. */
  readonly targetId?: string | undefined
  /** Whose users the pod's are on the node; undefined: the same. */
  readonly users: UserMapping | undefined
}

export const logPathOf = (container: string, attempt: number): string => join(container, `${attempt}.log`)

/** The container as the runtime is to make it. A pure function of its parts; throws `StartRefused`. */
export function containerSpec(parts: ContainerParts): ContainerSpec {
  const { pod, container, attempt, image, environment, settings, extras } = parts
  const expanded = (words: readonly string[] | undefined): string[] =>
    (words ?? []).map((word) => expand(word, (name) => environment.get(name)))
  const messagePath = container.terminationMessagePath ?? '/dev/termination-log'
  return {
    name: container.name,
    attempt,
    image: image.id,
    userImage: container.image ?? '',
    command: expanded(container.command),
    args: expanded(container.args),
    workingDir: container.workingDir ?? '',
    // What the pod says itself is not overwritten.
    env: [...new Map([...extras.env.map(({ name, value }) => [name, value] as const), ...environment])].map(([name, value]) => ({
      name,
      value,
    })),
    mounts: [
      ...parts.mounts,
      ...extras.mounts,
      {
        containerPath: messagePath,
        hostPath: parts.terminationMessageFile,
        readOnly: false,
        recursiveReadOnly: false,
        propagation: 'private',
      },
    ],
    devices: [...parts.devices, ...extras.devices],
    cdiDevices: extras.cdiDevices,
    logPath: logPathOf(container.name, attempt),
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    resources: { ...resourcesOf(pod, container, resourceSettings(settings)), ...parts.placement },
    security: securityOf(pod, container, image, settings, parts.users, parts.targetId),
    labels: {
      [LABELS.podName]: nameOf(pod),
      [LABELS.podNamespace]: namespaceOf(pod),
      [LABELS.podUid]: uidOf(pod),
      [LABELS.container]: container.name,
    },
    annotations: {
      ...extras.annotations,
      [ANNOTATIONS.hash]: containerHash(container),
      [ANNOTATIONS.restartCount]: String(attempt),
      [ANNOTATIONS.terminationMessagePath]: messagePath,
      [ANNOTATIONS.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
      [ANNOTATIONS.terminationMessageFile]: parts.terminationMessageFile,
      [ANNOTATIONS.podGracePeriod]: String(graceOf(pod)),
    },
  }
}
