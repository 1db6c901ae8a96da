import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { HostOptions } from '../layout.ts'

export const PLACES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export function findProgram(name: string, searchPath = ''): string | undefined {
  return [...searchPath.split(delimiter).filter((part) => part !== ''), ...PLACES].map((dir) => join(dir, name)).find(isExecutable)
}

/** containerd's client program, looked for where containerd is: the first one on PATH may be of another version, which it does not speak to. */
export function containerdClient({ containerdDir }: Pick<HostOptions, 'containerdDir'> = {}): { readonly ctr?: string } {
  const ctr = findProgram('ctr', containerdDir)
  return ctr === undefined ? {} : { ctr }
}
