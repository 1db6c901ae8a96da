import { UserError } from '#base'
import { quantityValue } from '#api'

/** What the node runs short of, in kubelet's names. Images and containers lie on one file system here. */
export const SIGNALS = [
  'memory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
  'pid.available',
] as const
export type Signal = (typeof SIGNALS)[number]

export interface Observation {
  readonly available: number
  readonly capacity: number
}
export type Observations = ReadonlyMap<Signal, Observation>

export interface Threshold {
  readonly signal: Signal
  /** Less than this is too little: an amount, or a part of all there is. */
  readonly least: { readonly amount: number } | { readonly part: number }
  /** How long it must be so before a pod is evicted; 0 is at once, and the pod gets no grace. */
  readonly graceMs: number
}

export const DEFAULT_HARD = 'memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%,imagefs.inodesFree<5%'

const isSignal = (text: string): text is Signal => (SIGNALS as readonly string[]).includes(text)

/** `signal<amount,signal<part%`; soft ones need a grace period each (`signal=1m30s`). Throws `UserError` for anything else. */
export function parseThresholds(hard: string, soft = '', softGrace = ''): readonly Threshold[] {
  const graces = new Map(words(softGrace).map((word): [string, number] => [word.split('=')[0] ?? '', durationMs(word.split('=')[1] ?? '')]))
  return [
    ...words(hard).map((word) => parsed(word, 0)),
    ...words(soft).map((word) => {
      const grace = graces.get(word.split('<')[0] ?? '')
      if (grace === undefined || grace === 0)
        throw new UserError(`the soft eviction threshold ${word} has no grace period`, 'give it one with --eviction-soft-grace-period')
      return parsed(word, grace)
    }),
  ]
}

const words = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')

function parsed(word: string, graceMs: number): Threshold {
  const [signal = '', value = ''] = word.split('<')
  const wrong = (): UserError =>
    new UserError(`not an eviction threshold: ${word}`, `write SIGNAL<AMOUNT or SIGNAL<PART%, with a signal of ${SIGNALS.join(', ')}`)
  if (!isSignal(signal)) throw wrong()
  if (value.endsWith('%')) {
    const part = Number(value.slice(0, -1)) / 100
    if (!(part >= 0 && part <= 1)) throw wrong()
    return { signal, least: { part }, graceMs }
  }
  try {
    return { signal, least: { amount: quantityValue(value) }, graceMs }
  } catch {
    throw wrong()
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
function durationMs(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw new UserError(`not a duration: ${text}`, 'write for example 1m30s')
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ''] ?? 0), 0)
}

export const amountOf = ({ least }: Threshold, { capacity }: Observation): number =>
  'amount' in least ? least.amount : Math.floor(capacity * least.part)
