/** Completion indexes as text: `0-2,4,6,7`. Runs of three and more are written as ranges. */

export function parseIndexes(text: string | undefined, below = Number.POSITIVE_INFINITY): Set<number> {
  const indexes = new Set<number>()
  for (const part of (text ?? '').split(',')) {
    const [first = '', last = first] = part.split('-')
    if (!/^\d+$/.test(first) || !/^\d+$/.test(last)) continue
    for (let index = Number(first); index <= Number(last) && index < below; index++) indexes.add(index)
  }
  return indexes
}

export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...new Set(indexes)].sort((a, b) => a - b)
  const parts: string[] = []
  for (let i = 0; i < sorted.length; ) {
    const first = sorted[i] ?? 0
    let length = 1
    while (sorted[i + length] === first + length) length++
    const last = first + length - 1
    parts.push(length === 1 ? `${first}` : length === 2 ? `${first},${last}` : `${first}-${last}`)
    i += length
  }
  return parts.join(',')
}
