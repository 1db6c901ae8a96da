/** Reads index lists such as `0,2-5` of an Indexed Job with this many completions: how many there are, or what is wrong with the text. */
export function countIndexes(text: string, completions: number): { readonly total: number; readonly error?: string } {
  if (text === '') return { total: 0 }
  let total = 0
  let last: number | undefined
  for (const interval of text.split(',')) {
    const parsed = parseInterval(interval, completions)
    if (typeof parsed === 'string') return { total: 0, error: parsed }
    const [first, end] = parsed
    if (last !== undefined && last >= first) return { total: 0, error: `non-increasing order, previous: ${last}, current: ${first}` }
    total += end - first + 1
    last = end
  }
  return { total }
}

/** The first index that two lists have both; intervals that cannot be read are passed over. */
export function firstOverlap(one: string, other: string, completions: number): number | undefined {
  const others = intervalsOf(other, completions)
  for (const [first, last] of intervalsOf(one, completions)) {
    for (const [otherFirst, otherLast] of others) if (first <= otherLast && otherFirst <= last) return Math.max(first, otherFirst)
  }
  return undefined
}

function intervalsOf(text: string, completions: number): (readonly [first: number, last: number])[] {
  if (text === '') return []
  return text.split(',').flatMap((interval) => {
    const parsed = parseInterval(interval, completions)
    return typeof parsed === 'string' ? [] : [parsed]
  })
}

function parseInterval(interval: string, completions: number): readonly [first: number, last: number] | string {
  const limits = interval.split('-')
  if (limits.length > 2)
    return `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`
  const numbers: number[] = []
  for (const limit of limits) {
    if (!/^\+?\d+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`
    if (Number(limit) >= completions) return `too large index: ${JSON.stringify(limit)}`
    numbers.push(Number(limit))
  }
  const [first = 0, last = first] = numbers
  if (numbers.length === 2 && first >= last) return `non-increasing order, previous: ${first}, current: ${last}`
  return [first, last]
}
