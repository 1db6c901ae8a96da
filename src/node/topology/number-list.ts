import { UserError } from '#base'

/** Processors, cores, memory nodes: small numbers that the kernel gave. */
export type NumberSet = ReadonlySet<number>

/** More than any machine has; a list cannot name a billion processors. */
const MOST = 65_536

/** `0-3,8`, as the kernel and the kubelet write sets. Throws `UserError`. */
export function parseNumbers(text: string): NumberSet {
  const numbers = new Set<number>()
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue
    const [, first = '', last = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part) ?? []
    if (first === '' || Number(last) < Number(first) || Number(last) >= MOST)
      throw new UserError(`not a list of numbers: ${text}`, 'write it like 0-3,8')
    for (let number = Number(first); number <= Number(last); number++) numbers.add(number)
  }
  return numbers
}

export function formatNumbers(numbers: NumberSet): string {
  const parts: string[] = []
  let first: number | undefined
  let last = -1
  const end = (): void => {
    if (first !== undefined) parts.push(first === last ? String(first) : `${first}-${last}`)
  }
  for (const number of sorted(numbers)) {
    if (first === undefined || number !== last + 1) {
      end()
      first = number
    }
    last = number
  }
  end()
  return parts.join(',')
}

export const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b)
