import { type Cidr, cidrContains, cidrText, parseCidr, type IpFamily } from '#api'

/** Networks of a family in their own form, each once, without those that lie in another (the kernel takes no overlaps). What cannot be read is left out. */
export function narrowRanges(texts: readonly string[], family: IpFamily = 'IPv4'): readonly string[] {
  const ranges = texts
    .flatMap((text) => parseCidr(text.trim()) ?? [])
    .filter(({ network }) => network.family === (family === 'IPv4' ? 4 : 6))
  const sorted = ranges.sort(
    (a, b) => a.prefix - b.prefix || Number(a.network.value > b.network.value) - Number(a.network.value < b.network.value),
  )
  const kept: Cidr[] = []
  for (const range of sorted) if (!kept.some((wider) => cidrContains(wider, range.network))) kept.push(range)
  return kept.map(cidrText)
}
