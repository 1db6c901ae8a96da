/**
 * Order of resource versions. Kubernetes promises since 1.35 that those of one resource are decimal numbers that grow; they may be
 * longer than a double is exact, so they are compared as text.
 */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}
