/** `matchLabels` and `matchExpressions` (metav1.LabelSelector). */
export interface LabelSelectorObject {
  matchLabels?: Record<string, string> | undefined
  matchExpressions?: readonly LabelSelectorRequirement[] | undefined
}
export interface LabelSelectorRequirement {
  key: string
  /** In, NotIn, Exists or DoesNotExist; others are refused by validation. */
  operator: string
  values?: readonly string[] | undefined
}

export type SelectorOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'

/** One condition. All conditions of a selector must hold. An index can use `=`, `==` and `in` (any of the values) and `exists`. */
export interface SelectorRequirement {
  readonly key: string
  readonly operator: SelectorOperator
  /** Sorted, each once. Exactly one for `=`, `==`, `!=`, `gt` and `lt`; none for `exists` and `!`. */
  readonly values: readonly string[]
}

export type Labels = Readonly<Record<string, string>> | undefined

/** Immutable. A selector without requirements matches everything, unless it is one that matches nothing. */
export interface LabelSelector {
  readonly requirements: readonly SelectorRequirement[]
  /** Set on the selector that stands for an absent one where absence selects nothing. */
  readonly nothing: boolean
  matches(labels: Labels): boolean
  /** The text form, keys sorted. */
  toString(): string
}

export function labelSelector(requirements: readonly SelectorRequirement[]): LabelSelector {
  return {
    requirements,
    nothing: false,
    matches: (labels) => requirements.every((requirement) => satisfies(requirement, labels)),
    toString: () => formatRequirements(requirements),
  }
}

export const EVERYTHING: LabelSelector = labelSelector([])
export const NOTHING: LabelSelector = { requirements: [], nothing: true, matches: () => false, toString: () => '' }

function satisfies({ key, operator, values }: SelectorRequirement, labels: Labels): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return value !== undefined && values.includes(value)
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value)
    case 'exists':
      return value !== undefined
    case '!':
      return value === undefined
    case 'gt':
    case 'lt': {
      const limit = integerOf(values[0] ?? '')
      const actual = value === undefined ? undefined : integerOf(value)
      if (limit === undefined || actual === undefined) return false
      return operator === 'gt' ? actual > limit : actual < limit
    }
    default:
      return operator satisfies never
  }
}

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/** A 64-bit integer, or undefined. */
export function integerOf(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return value >= MIN_INT64 && value <= MAX_INT64 ? value : undefined
}

function formatRequirements(requirements: readonly SelectorRequirement[]): string {
  return [...requirements]
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(formatRequirement)
    .join(',')
}

function formatRequirement({ key, operator, values }: SelectorRequirement): string {
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`
    case 'gt':
      return `${key}>${values.join('')}`
    case 'lt':
      return `${key}<${values.join('')}`
    default:
      return `${key}${operator}${values.join('')}`
  }
}

const EXPRESSION_OPERATORS: Readonly<Record<string, SelectorOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }

/**
 * The selector of an object's `selector` field. Absent selects nothing, an empty object everything; so does an
 * object that never passed validation select nothing.
 */
export function labelSelectorOf(object: LabelSelectorObject | undefined | null): LabelSelector {
  if (object === undefined || object === null) return NOTHING
  const requirements: SelectorRequirement[] = Object.entries(object.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: '=',
    values: [value],
  }))
  for (const { key, operator, values } of object.matchExpressions ?? []) {
    const known = Object.hasOwn(EXPRESSION_OPERATORS, operator) ? EXPRESSION_OPERATORS[operator] : undefined
    if (known === undefined) return NOTHING
    requirements.push({ key, operator: known, values: sortedOnce(values ?? []) })
  }
  return requirements.length === 0 ? EVERYTHING : labelSelector(requirements)
}

/** A selector that wants exactly these labels (`spec.selector` of Services and ReplicationControllers). */
export function labelSelectorOfMap(labels: Labels): LabelSelector {
  return labelSelectorOf({ matchLabels: { ...labels } })
}

/** `a=b,c in (d,e)`: in the status of a Scale and in tables (which show `<none>` for an empty one). */
export function formatLabelSelector(object: LabelSelectorObject | undefined | null): string {
  return labelSelectorOf(object).toString()
}

export function sortedOnce(values: readonly string[]): string[] {
  return [...new Set(values)].sort()
}
