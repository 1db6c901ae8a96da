import { readFile } from 'node:fs/promises'
import type { Scope } from '#base'
import { runCommand } from '../host/command.ts'
import { mountsBelow } from '../host/release.ts'

export const mountPoints = async (dir: string): Promise<string[]> => mountsBelow(await readFile('/proc/self/mountinfo', 'utf8'), [dir])

/** Bind-mounts what a descriptor of this process has open; a path would be resolved again. */
export async function bindDescriptor(scope: Scope, fd: number, target: string): Promise<void> {
  await runCommand(scope, 'mount', ['--no-canonicalize', '--bind', `/proc/${process.pid}/fd/${fd}`, target])
}

/** Whatever the options say, nothing in it can be written or executed. */
export async function mountReadOnly(
  scope: Scope,
  { type, source, options }: { readonly type: string; readonly source: string; readonly options: readonly string[] },
  target: string,
): Promise<void> {
  const safe = 'ro,noexec,nosuid,nodev'
  if (options.some((option) => option === 'bind' || option === 'rbind')) {
    await runCommand(scope, 'mount', ['--no-canonicalize', '--bind', source, target])
    await runCommand(scope, 'mount', ['--no-canonicalize', '-o', `remount,bind,${safe}`, target])
    return
  }
  const kept = options.filter((option) => option !== 'rw' && option !== 'ro')
  await runCommand(scope, 'mount', ['--no-canonicalize', '-t', type, '-o', [safe, ...kept].join(','), source, target])
}

export async function mountTmpfs(scope: Scope, target: string, sizeBytes: number | undefined): Promise<void> {
  const options = ['mode=0777', ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`])].join(',')
  await runCommand(scope, 'mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', target])
}

/** Pages of one size, as many as the cgroup of who uses them allows. */
export async function mountHugePages(scope: Scope, target: string, pageBytes: number): Promise<void> {
  await runCommand(scope, 'mount', ['-t', 'hugetlbfs', '-o', `mode=0777,pagesize=${pageBytes}`, 'nodev', target])
}

/** Unmounts everything at and below a directory; throws when something stays, so that nothing behind it is deleted by mistake. */
export async function unmountAll(scope: Scope, dir: string): Promise<void> {
  const points = await mountPoints(dir)
  if (points.length === 0) return
  for (const point of points) await runCommand(scope, 'umount', ['--no-canonicalize', point])
  const left = await mountPoints(dir)
  if (left.length > 0) throw new Error(`still mounted: ${left.join(', ')}`)
}
