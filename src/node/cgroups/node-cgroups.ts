import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sharesOf } from '../containers/resources.ts'
import { podParents } from '../host/cgroup-tree.ts'
import type { CgroupLayout } from '../host/machine/cgroup-layout.ts'

/** What all pods of the node together may have; 0 is no limit. */
export interface NodeLimits {
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly pids: number
}

/** Shares of cgroup v1 (2 … 262144) as a weight of v2 (1 … 10000). */
export const weightOf = (shares: number): number => 1 + Math.floor(((Math.max(shares, 2) - 2) * 9999) / 262_142)

/**
 * The levels above the pods' own cgroups: `kubepods` has what the node does not keep for itself; below it best effort gets only what nobody
 * else wants, burstable as much weight as its pods ask for together.
 */
export interface NodeCgroups {
  /** Idempotent. */
  limit(limits: NodeLimits): void
  /** The sum of the burstable pods' shares. */
  setBurstable(cpuShares: number): void
}

export function nodeCgroups(layout: CgroupLayout, root: string): NodeCgroups {
  const pods = join(root, 'kubepods')
  const written = new Map<string, string>()
  const write = (path: string, controller: string, file: string, value: string): void => {
    const mount = layout.version === 2 ? layout.mount : layout.controllers[controller]
    const target = mount === undefined ? undefined : join(mount, path, file)
    if (target === undefined || written.get(target) === value) return
    writeFileSync(target, value)
    written.set(target, value)
  }
  const setShares = (path: string, shares: number): void =>
    layout.version === 2 ? write(path, 'cpu', 'cpu.weight', String(weightOf(shares))) : write(path, 'cpu', 'cpu.shares', String(shares))
  const make = (path: string): void => {
    if (layout.version === 2) makeV2(layout.mount, path)
    else
      for (const controller of ['cpu', 'memory', 'pids']) {
        const mount = layout.controllers[controller]
        if (mount !== undefined) mkdirSync(join(mount, path), { recursive: true })
      }
  }
  return {
    limit({ cpuMilli, memoryBytes, pids }) {
      for (const path of podParents(root)) make(path)
      setShares(pods, sharesOf(cpuMilli))
      setShares(join(pods, 'besteffort'), 2)
      if (memoryBytes > 0) write(pods, 'memory', layout.version === 2 ? 'memory.max' : 'memory.limit_in_bytes', String(memoryBytes))
      if (pids > 0) write(pods, 'pids', 'pids.max', String(pids))
    },
    setBurstable: (cpuShares) => setShares(join(pods, 'burstable'), Math.min(Math.max(cpuShares, 2), 262_144)),
  }
}

/** A controller is there below only after it was handed on from above. */
export function makeV2(mount: string, path: string): string {
  let dir = mount
  for (const part of path.split('/').filter((one) => one !== '')) {
    writeFileSync(join(dir, 'cgroup.subtree_control'), '+cpu +memory +pids')
    dir = join(dir, part)
    mkdirSync(dir, { recursive: true })
  }
  return dir
}
