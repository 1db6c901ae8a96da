import { type Cidr, type IpFamily, cidrContains, cidrText, plainCidr } from '#api'

/** Networks of a family in their own form, each once, without those that lie in another (the kernel takes no overlaps). What cannot be read is left out. */
export function narrowRanges(texts: readonly string[], family: IpFamily = 'IPv4'): readonly string[] {
  const ranges = texts.flatMap((text) => plainCidr(text.trim(), family) ?? [])
  const sorted = ranges.sort(
    (a, b) => a.prefix - b.prefix || Number(a.network.value > b.network.value) - Number(a.network.value < b.network.value),
  )
  const kept: Cidr[] = []
  for (const range of sorted) if (!kept.some((wider) => cidrContains(wider, range.network))) kept.push(range)
  return kept.map(cidrText)
}
