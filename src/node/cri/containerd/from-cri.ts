import type * as plain from '../runtime.ts'
import {
  type Container,
  type ContainerStats,
  type ContainerStatus,
  ContainerState,
  type FilesystemUsage,
  type Image,
  type PodSandbox,
  PodSandboxState,
  type PodSandboxStatus,
  type UInt64Value,
} from './cri.gen.ts'

/** Nanoseconds to milliseconds; the fraction keeps the order of what happened within one. */
export const milliseconds = (nanoseconds: bigint): number => Number(nanoseconds / 1000n) / 1000

const STATES: Readonly<Record<number, plain.ContainerState>> = {
  [ContainerState.CONTAINER_CREATED]: 'created',
  [ContainerState.CONTAINER_RUNNING]: 'running',
  [ContainerState.CONTAINER_EXITED]: 'exited',
}

export function sandboxOf(from: PodSandbox | PodSandboxStatus): plain.Sandbox {
  return {
    id: from.id,
    name: from.metadata?.name ?? '',
    namespace: from.metadata?.namespace ?? '',
    uid: from.metadata?.uid ?? '',
    attempt: from.metadata?.attempt ?? 0,
    ready: from.state === PodSandboxState.SANDBOX_READY,
    createdAtMs: milliseconds(from.createdAt),
    handler: from.runtimeHandler,
    labels: from.labels,
    annotations: from.annotations,
  }
}

export function sandboxStatusOf(from: PodSandboxStatus): plain.SandboxStatus {
  const ips = [from.network?.ip ?? '', ...(from.network?.additionalIps ?? []).map(({ ip }) => ip)]
  return { ...sandboxOf(from), ips: ips.filter((ip) => ip !== '') }
}

export function containerOf(from: Container): plain.Container {
  return {
    id: from.id,
    sandboxId: from.podSandboxId,
    name: from.metadata?.name ?? '',
    attempt: from.metadata?.attempt ?? 0,
    state: STATES[from.state] ?? 'unknown',
    createdAtMs: milliseconds(from.createdAt),
    image: from.image?.userSpecifiedImage || (from.image?.image ?? ''),
    imageRef: from.imageRef,
    labels: from.labels,
    annotations: from.annotations,
  }
}

export function containerStatusOf(from: ContainerStatus): plain.ContainerStatus {
  const user = from.user?.linux
  return {
    id: from.id,
    name: from.metadata?.name ?? '',
    attempt: from.metadata?.attempt ?? 0,
    state: STATES[from.state] ?? 'unknown',
    createdAtMs: milliseconds(from.createdAt),
    startedAtMs: milliseconds(from.startedAt),
    finishedAtMs: milliseconds(from.finishedAt),
    exitCode: from.exitCode,
    reason: from.reason,
    message: from.message,
    image: from.image?.userSpecifiedImage || (from.image?.image ?? ''),
    imageRef: from.imageRef,
    imageId: from.imageId,
    logPath: from.logPath,
    labels: from.labels,
    annotations: from.annotations,
    ...(user && { user: { uid: Number(user.uid), gid: Number(user.gid), supplementalGroups: user.supplementalGroups.map(Number) } }),
  }
}

export function imageOf(from: Image): plain.Image {
  return {
    id: from.id,
    tags: from.repoTags,
    digests: from.repoDigests,
    sizeBytes: Number(from.size),
    uid: from.uid === undefined ? undefined : Number(from.uid.value),
    username: from.username,
    pinned: from.pinned,
  }
}

const number = (value: UInt64Value | undefined): number => Number(value?.value ?? 0n)

export const filesystemOf = (from: FilesystemUsage): plain.FilesystemUsage => ({
  mountpoint: from.fsId?.mountpoint ?? '',
  usedBytes: number(from.usedBytes),
  inodesUsed: number(from.inodesUsed),
  atMs: milliseconds(from.timestamp),
})

export function statsOf(from: ContainerStats): plain.ContainerStats {
  return {
    id: from.attributes?.id ?? '',
    name: from.attributes?.metadata?.name ?? '',
    podUid: from.attributes?.labels['io.kubernetes.pod.uid'] ?? '',
    atMs: milliseconds(from.cpu?.timestamp ?? from.memory?.timestamp ?? 0n),
    cpuUsageNanoseconds: number(from.cpu?.usageCoreNanoSeconds),
    workingSetBytes: number(from.memory?.workingSetBytes),
    usageBytes: number(from.memory?.usageBytes),
    rssBytes: number(from.memory?.rssBytes),
    pageFaults: number(from.memory?.pageFaults),
    majorPageFaults: number(from.memory?.majorPageFaults),
    writableLayer: from.writableLayer && filesystemOf(from.writableLayer),
  }
}
