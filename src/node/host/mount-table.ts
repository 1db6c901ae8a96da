import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Where a block device's file system is mounted, or a directory bound to; the oldest first. */
export const mountsOfSource = async (source: string): Promise<readonly string[]> =>
  mountsShowing(await readFile('/proc/self/mountinfo', 'utf8'), source)

export function mountsShowing(mountinfo: string, source: string): readonly string[] {
  const plain = (path: string): string => path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ')
    const [, , device, root, point] = left.split(' ')
    const [, from = ''] = right.split(' ')
    return device === undefined || root === undefined || point === undefined
      ? []
      : [{ device, root: plain(root), point: plain(point), from: plain(from) }]
  })
  if (source.startsWith('/dev/')) return mounts.filter(({ from }) => from === source).map(({ point }) => point)
  const holds = (point: string): boolean => point === '/' || source === point || source.startsWith(`${point}/`)
  const home = mounts.filter(({ point }) => holds(point)).reduce((a, b) => (b.point.length >= a.point.length ? b : a), NOWHERE)
  const root = join(home.root, source.slice(home.point.length))
  return mounts.filter((mount) => mount.device === home.device && mount.root === root && mount.point !== source).map(({ point }) => point)
}
const NOWHERE = { device: '', root: '/', point: '', from: '' }
