/** What is wrong with a format or an argument of it. */
export class FormatProblem extends Error {}

export type Verb = 's' | 'd' | 'f' | 'e' | 'b' | 'x' | 'X' | 'o'
const VERBS: ReadonlySet<string> = new Set(['s', 'd', 'f', 'e', 'b', 'x', 'X', 'o'])

/** For each verb what its arguments must be, in the words of messages. */
export const WANTED: Readonly<Record<Verb, string>> = {
  s: 'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps',
  d: 'decimal clause can only be used on integers',
  f: 'fixed-point clause can only be used on doubles',
  e: 'scientific clause can only be used on doubles',
  b: 'only integers and bools can be formatted as binary',
  x: 'only integers, byte buffers, and strings can be formatted as hex',
  X: 'only integers, byte buffers, and strings can be formatted as hex',
  o: 'octal clause can only be used on integers',
}
export const wrongArgument = (verb: Verb, typeName: string): FormatProblem => new FormatProblem(`${WANTED[verb]}, was given ${typeName}`)

export interface Formatting {
  /** Throws a FormatProblem when there is no such argument. */
  readonly demand: (index: number) => void
  readonly clause: (index: number, verb: Verb, precision: number) => string
}

const DEFAULT_PRECISION = 6
const CLAUSE = /%(?:\.([0-9]*))?/y

/** Puts arguments into a format. Throws a FormatProblem. The number of arguments that it wanted is told with the text. */
export function formatText(format: string, { demand, clause }: Formatting): { readonly text: string; readonly wanted: number } {
  let text = ''
  let index = 0
  for (let i = 0; i < format.length; ) {
    const percent = format.indexOf('%', i)
    if (percent === -1) {
      text += format.slice(i)
      break
    }
    text += format.slice(i, percent)
    if (format.charAt(percent + 1) === '%') {
      text += '%'
      i = percent + 2
      continue
    }
    demand(index)
    if (percent + 1 >= format.length) throw new FormatProblem('unexpected end of string')
    CLAUSE.lastIndex = percent
    const [whole = '', digits] = CLAUSE.exec(format) ?? []
    const verb = format.charAt(percent + whole.length)
    const could = (problem: string): FormatProblem => new FormatProblem(`could not parse formatting clause: ${problem}`)
    if (verb === '') throw could('error while parsing precision: could not find end of precision specifier')
    if (digits === '') {
      throw could('error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax')
    }
    if (!VERBS.has(verb))
      throw could(`unrecognized formatting clause "${String.fromCodePoint(format.codePointAt(percent + whole.length) ?? 0)}"`)
    text += described(() => clause(index, verb as Verb, digits === undefined ? DEFAULT_PRECISION : Number(digits)))
    index++
    i = percent + whole.length + 1
  }
  return { text, wanted: index }
}

function described(clause: () => string): string {
  try {
    return clause()
  } catch (problem) {
    if (problem instanceof FormatProblem) throw new FormatProblem(`error during formatting: ${problem.message}`)
    throw problem
  }
}
