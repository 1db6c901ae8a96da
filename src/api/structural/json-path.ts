import { isJsonObject } from '../meta/deep.ts'

/**
 * A path into an object, as columns, scale and selectable fields of custom resources are written: `.spec.x[0]`, `.spec['a.b']`,
 * `.items[*].name`, `.conditions[?(@.type=="Ready")].status`, `..name` is not among them.
 */
export interface JsonPath {
  /** All values at the path, in order. What is missing on the way is nothing found, not an error. */
  find(value: unknown): unknown[]
}

type Step = (values: readonly unknown[]) => unknown[]

/** Undefined for a path that cannot be read. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const steps: Step[] = []
  let rest = text.startsWith('$') ? text.slice(1) : text
  while (rest !== '' && rest !== '.') {
    const found = readStep(rest)
    if (found === undefined) return undefined
    steps.push(found.step)
    rest = rest.slice(found.length)
  }
  return { find: (value) => steps.reduce<unknown[]>((values, step) => step(values), [value]) }
}

const FIELD = /^\.((?:[^.[\]\\\s]|\\.)+)/
const QUOTED = /^\.?\['((?:[^'\\]|\\.)*)'\]/
const INDEX = /^\[(-?\d+)\]/
const SLICE = /^\[(-?\d*):(-?\d*)(?::(\d+))?\]/
const WILDCARD = /^\.?\[\*\]|^\.\*/
const FILTER = /^\[\?\(((?:[^()"']|"[^"]*"|'[^']*')*)\)\]/

function readStep(text: string): { readonly step: Step; readonly length: number } | undefined {
  const wildcard = WILDCARD.exec(text)
  if (wildcard !== null) return { step: (values) => values.flatMap(membersOf), length: wildcard[0].length }
  const field = QUOTED.exec(text) ?? FIELD.exec(text)
  if (field !== null) {
    const name = (field[1] ?? '').replaceAll(/\\(.)/g, '$1')
    return {
      step: (values) => values.flatMap((value) => (isJsonObject(value) && Object.hasOwn(value, name) ? [value[name]] : [])),
      length: field[0].length,
    }
  }
  const index = INDEX.exec(text)
  if (index !== null) {
    const at = Number(index[1])
    return { step: (values) => values.flatMap((value) => (Array.isArray(value) ? itemAt(value, at) : [])), length: index[0].length }
  }
  const slice = SLICE.exec(text)
  if (slice !== null) return { step: sliceStep(slice[1] ?? '', slice[2] ?? '', slice[3]), length: slice[0].length }
  const filter = FILTER.exec(text)
  if (filter !== null) {
    const holds = readFilter((filter[1] ?? '').trim())
    return holds === undefined
      ? undefined
      : { step: (values) => values.flatMap((value) => (Array.isArray(value) ? value.filter(holds) : [])), length: filter[0].length }
  }
  return undefined
}

function membersOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  return isJsonObject(value) ? Object.values(value) : []
}

function itemAt(list: readonly unknown[], at: number): unknown[] {
  const place = at < 0 ? list.length + at : at
  return place >= 0 && place < list.length ? [list[place]] : []
}

function sliceStep(from: string, to: string, step: string | undefined): Step {
  const every = step === undefined ? 1 : Number(step)
  const bounds: [number, number | undefined] = [from === '' ? 0 : Number(from), to === '' ? undefined : Number(to)]
  return (values) =>
    values.flatMap((value) => (Array.isArray(value) && every > 0 ? value.slice(...bounds).filter((_item, at) => at % every === 0) : []))
}

const COMPARISON = /^(@[^=!<>]*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+))?$/

/** `@.type=="Ready"`, `@.size>3`, `@.name`: the left side is a path from the item, the right side a value or another path. */
function readFilter(text: string): ((item: unknown) => boolean) | undefined {
  const match = COMPARISON.exec(text)
  if (match === null) return undefined
  const left = parseJsonPath((match[1] ?? '').slice(1))
  if (left === undefined) return undefined
  const operator = match[2]
  if (operator === undefined) return (item) => left.find(item).length > 0
  const right = readOperand((match[3] ?? '').trim())
  if (right === undefined) return undefined
  return (item) => {
    const [a] = left.find(item)
    const b = right(item)
    return a !== undefined && b !== undefined && compare(a, operator, b)
  }
}

function readOperand(text: string): ((item: unknown) => unknown) | undefined {
  if (text.startsWith('@')) {
    const path = parseJsonPath(text.slice(1))
    return path === undefined ? undefined : (item) => path.find(item)[0]
  }
  const quoted = /^"([^"]*)"$|^'([^']*)'$/.exec(text)
  if (quoted !== null) return () => quoted[1] ?? quoted[2]
  if (text === 'true' || text === 'false') return () => text === 'true'
  const number = Number(text)
  return text === '' || Number.isNaN(number) ? undefined : () => number
}

function compare(a: unknown, operator: string, b: unknown): boolean {
  if (operator === '==') return a === b
  if (operator === '!=') return a !== b
  if (!(typeof a === 'number' && typeof b === 'number') && !(typeof a === 'string' && typeof b === 'string')) return false
  switch (operator) {
    case '<':
      return a < b
    case '>':
      return a > b
    case '<=':
      return a <= b
    default:
      return a >= b
  }
}
