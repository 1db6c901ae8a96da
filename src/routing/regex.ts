import { RE2JS } from 're2js'

/**
 * A regular expression of RE2 as a deterministic automaton over bytes: one step for each byte of any text, whatever the expression. So a data plane can
 * carry it out without an engine, and no expression makes a request slow.
 */
export interface Automaton {
  /** By byte, of 0 to 127; 128 is for all other bytes. */
  readonly classes: readonly number[]
  readonly classCount: number
  /** `next[state * classCount + class]`; the first state is 0, and `MATCHES_ALL` and `MATCHES_NONE` are left no more. */
  readonly next: readonly number[]
  /** Whether the text matches when it ends in this state. */
  readonly ends: readonly boolean[]
}

/** In `next`: whatever follows, it matches. */
export const MATCHES_ALL = -1

const MOST_STATES = 96
const MOST_CELLS = 1500
const LONGEST_SOURCE = 256
const OTHER = 128
/** Any character that is not of ASCII, for which the last class stands. */
const OTHER_RUNE = 0xfffd

/** Instructions of the library's compiled programs. */
const OP = { alt: 1, altMatch: 2, capture: 3, empty: 4, fail: 5, match: 6, nop: 7, rune: 8, rune1: 9, any: 10, anyNotNewline: 11 } as const
const EMPTY = { beginText: 4, endText: 8 } as const

interface Instruction {
  readonly op: number
  readonly out: number
  readonly arg: number
  readonly runes: ArrayLike<number> & Iterable<number>
}

interface Program {
  readonly inst: readonly Instruction[]
  readonly start: number
}

/** What is no expression of RE2, goes beyond ASCII or needs too large an automaton is a problem. */
export function compileRegex(source: string): Automaton | { readonly problem: string } {
  if (source.length > LONGEST_SOURCE) return { problem: `a regular expression has at most ${LONGEST_SOURCE} characters` }
  if (!/^[\x20-\x7e]*$/.test(source)) return { problem: 'a regular expression is made of printable ASCII characters' }
  let program: Program
  try {
    program = (RE2JS.compile(source) as unknown as { readonly re2Input: { readonly prog: Program } }).re2Input.prog
  } catch {
    return { problem: 'it is no regular expression of RE2' }
  }
  const unknown = program.inst.find(
    ({ op, arg }) => op > OP.anyNotNewline || (op === OP.empty && (arg & ~(EMPTY.beginText | EMPTY.endText)) !== 0),
  )
  if (unknown !== undefined) return { problem: 'word boundaries, lines and what else looks around are not taken in regular expressions' }
  return determine(program)
}

export function accepts({ classes, classCount, next, ends }: Automaton, text: string): boolean {
  let state = 0
  for (const byte of new TextEncoder().encode(text)) {
    state = next[state * classCount + (classes[Math.min(byte, OTHER)] ?? 0)] ?? 0
    if (state === MATCHES_ALL) return true
  }
  return ends[state] ?? false
}

interface StateSet {
  readonly set: readonly number[]
  readonly isMatch: boolean
}

function determine(program: Program): Automaton | { readonly problem: string } {
  const { classes, samples } = classesOf(program)
  const states: StateSet[] = []
  const numbers = new Map<string, number>()
  const next: number[] = []
  const add = (roots: readonly number[], isStart: boolean): number => {
    const reached = closure(program, roots, isStart ? EMPTY.beginText : 0)
    if (reached.isMatch) return MATCHES_ALL
    const key = `${isStart ? 's' : ''}${reached.set.join()}`
    const known = numbers.get(key)
    if (known !== undefined) return known
    states.push(reached)
    numbers.set(key, states.length - 1)
    return states.length - 1
  }
  if (add([program.start], true) === MATCHES_ALL) return { classes, classCount: 1, next: [MATCHES_ALL], ends: [true] }
  for (let at = 0; at < states.length; at++) {
    if (states.length > MOST_STATES || states.length * samples.length > MOST_CELLS)
      return { problem: 'the regular expression needs too large an automaton' }
    for (const sample of samples) {
      const steps = (states[at]?.set ?? []).filter((pc) => takes(program.inst[pc], sample)).map((pc) => program.inst[pc]?.out ?? 0)
      // It may also begin to match here.
      next.push(add([...steps, program.start], false))
    }
  }
  // The empty rest of a text that ends is looked at with its end in sight; at the very start, with both.
  const ends = states.map(({ set }, at) => closure(program, set, EMPTY.endText | (at === 0 ? EMPTY.beginText : 0)).isMatch)
  return { classes, classCount: samples.length, next, ends }
}

/** Everything that is reached without a character; conditions that cannot hold now stay in the set, for the end. */
function closure({ inst }: Program, roots: readonly number[], holds: number): StateSet {
  const set = new Set<number>()
  const waiting = [...roots]
  let isMatch = false
  for (let pc = waiting.pop(); pc !== undefined; pc = waiting.pop()) {
    if (set.has(pc)) continue
    set.add(pc)
    const one = inst[pc]
    if (one === undefined) continue
    if (one.op === OP.match) isMatch = true
    else if (one.op === OP.alt || one.op === OP.altMatch) waiting.push(one.out, one.arg)
    else if (one.op === OP.capture || one.op === OP.nop || (one.op === OP.empty && (one.arg & ~holds) === 0)) waiting.push(one.out)
  }
  return { set: [...set].sort((a, b) => a - b), isMatch }
}

/** Bytes that no instruction tells apart are one class; of each, one byte. */
function classesOf({ inst }: Program): { readonly classes: readonly number[]; readonly samples: readonly number[] } {
  const reading = inst.filter(({ op }) => op >= OP.rune)
  const numbers = new Map<string, number>()
  const samples: number[] = []
  const classes = Array.from({ length: OTHER + 1 }, (_, byte) => {
    const rune = byte === OTHER ? OTHER_RUNE : byte
    const key = reading.map((one) => (takes(one, rune) ? '1' : '0')).join('')
    const known = numbers.get(key)
    if (known !== undefined) return known
    numbers.set(key, samples.length)
    samples.push(rune)
    return samples.length - 1
  })
  return { classes, samples }
}

function takes(one: Instruction | undefined, rune: number): boolean {
  if (one === undefined) return false
  switch (one.op) {
    case OP.any:
      return true
    case OP.anyNotNewline:
      return rune !== 10
    case OP.rune:
    case OP.rune1:
      return takesRune([...one.runes], (one.arg & 1) !== 0, rune)
    default:
      return false
  }
}

function takesRune(runes: readonly number[], foldsCase: boolean, rune: number): boolean {
  const [only] = runes
  if (runes.length === 1 && only !== undefined)
    return (
      rune === only || (foldsCase && rune < OTHER && String.fromCharCode(rune).toLowerCase() === String.fromCharCode(only).toLowerCase())
    )
  for (let at = 0; at + 1 < runes.length; at += 2) if (rune >= (runes[at] ?? 0) && rune <= (runes[at + 1] ?? 0)) return true
  return false
}
