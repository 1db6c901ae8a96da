import { isIPv4 } from 'node:net'

/** IPv4 networks in their own form, each once, without those that lie in another (the kernel takes no overlaps). What cannot be read is left out. */
export function narrowRanges(texts: readonly string[]): readonly string[] {
  const ranges = texts.flatMap((text) => parse(text.trim()) ?? []).sort((a, b) => a.bits - b.bits || a.base - b.base)
  const kept: Range[] = []
  for (const range of ranges) if (!kept.some((wider) => first(range.base, wider.bits) === wider.base)) kept.push(range)
  return kept.map(({ base, bits }) => `${[24, 16, 8, 0].map((shift) => (base >>> shift) & 255).join('.')}/${bits}`)
}

interface Range {
  readonly base: number
  readonly bits: number
}

function parse(text: string): Range | undefined {
  const [address = '', length = '', ...more] = text.split('/')
  if (!isIPv4(address) || !/^\d{1,2}$/.test(length) || Number(length) > 32 || more.length > 0) return undefined
  const bits = Number(length)
  return {
    base: first(
      address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0),
      bits,
    ),
    bits,
  }
}

const first = (address: number, bits: number): number => (bits === 0 ? 0 : (address & (0xffffffff << (32 - bits))) >>> 0)
