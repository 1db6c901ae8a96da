/** A number, or a share of `total` (`25%`), rounded as told. What is neither counts as zero. */
export function resolveIntOrPercent(value: number | string | undefined, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value
  const share = /^(\d+)%$/.exec(value ?? '')?.[1]
  if (share === undefined) return 0
  const exact = (Number(share) * total) / 100
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact)
}
