/**
 * The first patch of each minor version whose answers to requests for progress come after the history of the watches they speak of. Before it, etcd
 * says that a watch is up to date while its events are still under way (etcd issues 15220 and 17507): here they would be lost. Newer minor versions are fine.
 */
const FIRST_FIT: ReadonlyMap<string, number> = new Map([
  ['3.4', 31],
  ['3.5', 13],
])

/** What is wrong with an etcd of this version, and what would do; undefined when it is fine. */
export function unfitEtcd(version: string): { readonly why: string; readonly instead: string } | undefined {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  const instead = 'use 3.4.31, 3.5.13, 3.6 or newer'
  if (major < 3 || (major === 3 && minor < 4)) return { why: `etcd ${version} is too old`, instead }
  const first = FIRST_FIT.get(`${major}.${minor}`)
  if (first === undefined || patch >= first) return undefined
  return { why: `etcd ${version} says that watches are up to date before it has sent their events`, instead }
}
