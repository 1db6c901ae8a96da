import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scope } from '#base'
import type { core } from '#api'
import type { ContainerStats } from '../cri/runtime.ts'
import { runCommand } from '../host/command.ts'
import { uidOf } from '../pods/pod-facts.ts'
import { messagesDirOf } from '../pods/termination-message.ts'
import { hostsPathOf } from '../sandbox/hosts-file.ts'
import { logDirectoryOf } from '../sandbox/sandbox-spec.ts'
import type { NodeSettings } from '../settings.ts'

export interface DiskUse {
  readonly bytes: number
  readonly inodes: number
  readonly emptyDirs: ReadonlyMap<string, number>
  /** Writable layer and logs. */
  readonly containers: ReadonlyMap<string, number>
}

/** What a pod keeps on the node's disk: writable layers, logs, emptyDirs, and the files of the node that its containers may write (hosts, termination messages: CVE-2020-8557). Other file systems mounted inside are not the disk's. */
export async function diskUse(scope: Scope, settings: NodeSettings, pod: core.Pod, stats: readonly ContainerStats[]): Promise<DiskUse> {
  const dirs = (pod.spec?.volumes ?? []).filter(({ emptyDir }) => emptyDir !== undefined && (emptyDir.medium ?? '') === '')
  const podDir = join(settings.podsDir, uidOf(pod))
  const place = (name: string): string => join(podDir, 'volumes', 'kubernetes.io~empty-dir', name)
  const measured = await Promise.all(dirs.map(async ({ name }) => ({ name, ...(await sizeOf(scope, place(name))) })))
  const lent = await Promise.all([hostsPathOf(podDir), messagesDirOf(podDir)].map((path) => sizeOf(scope, path)))
  const logs = logDirectoryOf(settings, pod)
  const names = await readdir(logs).catch(() => [])
  const logged = new Map(
    await Promise.all(names.map(async (name): Promise<[string, Size]> => [name, await sizeOf(scope, join(logs, name))])),
  )
  const layers = new Map(stats.filter(({ podUid }) => podUid === uidOf(pod)).map(({ name, writableLayer }) => [name, writableLayer]))
  const containers = new Map(
    [...new Set([...logged.keys(), ...layers.keys()])].map((name) => [
      name,
      (logged.get(name)?.bytes ?? 0) + (layers.get(name)?.usedBytes ?? 0),
    ]),
  )
  const sum = (list: Iterable<number>): number => [...list].reduce((total, one) => total + one, 0)
  return {
    bytes: sum(containers.values()) + sum([...measured, ...lent].map(({ bytes }) => bytes)),
    inodes:
      sum([...measured, ...lent].map(({ inodes }) => inodes)) +
      sum([...layers.values()].map((layer) => layer?.inodesUsed ?? 0)) +
      sum([...logged.values()].map(({ inodes }) => inodes)),
    emptyDirs: new Map(measured.map(({ name, bytes }) => [name, bytes])),
    containers,
  }
}

const FEW_FILES = 500
const BLOCK_BYTES = 512

/** Undefined when there are more than a few, or when another file system is mounted inside. */
async function countFew(dir: string): Promise<Size | undefined> {
  let bytes = 0
  const seen = new Set<number>()
  const todo = [dir]
  let device: number | undefined
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    const info = await lstat(path).catch(() => undefined)
    if (info === undefined) continue
    device ??= info.dev
    if (info.dev !== device) return undefined
    // A file with several names is one file.
    if (!seen.has(info.ino)) bytes += info.blocks * BLOCK_BYTES
    seen.add(info.ino)
    if (seen.size > FEW_FILES) return undefined
    if (info.isDirectory()) for (const name of await readdir(path).catch(() => [])) todo.push(join(path, name))
  }
  return { bytes, inodes: seen.size }
}

interface Size {
  readonly bytes: number
  readonly inodes: number
}

/** A few files are counted here; a pod can have millions, and those are left to a program of its own, at the lowest priority. What is deleted meanwhile is not an error. */
async function sizeOf(scope: Scope, dir: string): Promise<Size> {
  const few = await countFew(dir)
  if (few !== undefined) return few
  const count = async (...options: string[]): Promise<number> =>
    Number(
      (
        await runCommand(scope, 'nice', ['-n', '19', 'du', '--summarize', '--one-file-system', ...options, '--', dir]).catch(() => '0')
      ).split('\t')[0],
    )
  const [bytes, inodes] = await Promise.all([count('--block-size=1'), count('--inodes')])
  return { bytes: Number.isNaN(bytes) ? 0 : bytes, inodes: Number.isNaN(inodes) ? 0 : inodes }
}
