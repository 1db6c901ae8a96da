export interface PortRange {
  readonly protocol: string
  readonly first: number
  readonly last: number
}

const PROTOCOLS = ['TCP', 'UDP', 'SCTP']

/** In order, without overlaps (the kernel takes none), and only of protocols that have ports. */
export function mergePorts(ranges: readonly PortRange[]): readonly PortRange[] {
  const merged: PortRange[] = []
  const sorted = ranges
    .filter(({ protocol, first, last }) => PROTOCOLS.includes(protocol) && first >= 0 && first <= last && last <= 65_535)
    .toSorted((a, b) => PROTOCOLS.indexOf(a.protocol) - PROTOCOLS.indexOf(b.protocol) || a.first - b.first)
  for (const range of sorted) {
    const before = merged.at(-1)
    if (before !== undefined && before.protocol === range.protocol && range.first <= before.last + 1)
      merged[merged.length - 1] = { ...before, last: Math.max(before.last, range.last) }
    else merged.push(range)
  }
  return merged
}
