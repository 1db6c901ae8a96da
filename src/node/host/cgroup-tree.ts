import { existsSync, readFileSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Scope } from '#base'
import type { CgroupLayout } from './machine/cgroup-layout.ts'

const EMPTY_WITHIN_MS = 5000
const LOOK_AGAIN_MS = 20

/** Where cgroups of pods are below an instance's own: one place for each class of service. */
export const podParents = (root: string): readonly string[] => ['', 'burstable', 'besteffort'].map((name) => join(root, 'kubepods', name))

/** The directories in which a cgroup of this path exists. On hybrid systems the empty v2 hierarchy is one of them. */
export function cgroupDirs(layout: CgroupLayout, path: string): string[] {
  const mounts = layout.version === 2 ? [layout.mount] : [...new Set(Object.values(layout.controllers)), '/sys/fs/cgroup/unified']
  return mounts.map((mount) => join(mount, path)).filter((dir) => existsSync(dir))
}

/** Removes a cgroup with everything below it; processes still in it are killed. */
export async function removeCgroupTree(scope: Scope, layout: CgroupLayout, path: string): Promise<void> {
  const deadline = scope.clock.monotonic() + EMPTY_WITHIN_MS
  for (;;) {
    const left = cgroupDirs(layout, path).filter((dir) => !removeTree(dir))
    if (left.length === 0) return
    if (scope.clock.monotonic() > deadline) throw new Error(`the cgroups ${left.join(', ')} do not become empty`)
    await scope.sleep(LOOK_AGAIN_MS)
  }
}

function removeTree(dir: string): boolean {
  let empty = true
  for (const entry of readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory() && !removeTree(join(dir, entry.name))) empty = false
  try {
    if (empty) rmdirSync(dir)
    return empty
  } catch {
    for (const pid of readFileSync(join(dir, 'cgroup.procs'), 'utf8').split('\n')) {
      // The kernel refuses to signal what has gone meanwhile.
      if (pid !== '' && pid !== '0') {
        try {
          process.kill(Number(pid), 'SIGKILL')
        } catch {}
      }
    }
    return false
  }
}
