import type { core } from '#api'

/** What a node must be like, for nodeSelector and node affinity. Compiled once per pod. */
export interface NodeMatcher {
  /** Two with the same key match the same nodes. */
  readonly key: string
  matches(name: string, labels: Readonly<Record<string, string>>): boolean
  /** When only nodes with these names can match; empty when its alternatives contradict themselves. */
  readonly names: ReadonlySet<string> | undefined
}

type Test = (labels: Readonly<Record<string, string>>, name: string) => boolean

/** Undefined when any node will do. */
export function requiredNodes(spec: core.PodSpec): NodeMatcher | undefined {
  const { nodeSelector } = spec
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const wanted = Object.entries(nodeSelector ?? {})
  if (wanted.length === 0 && terms === undefined) return undefined
  const tests = terms?.map(compileTerm)
  return {
    key: JSON.stringify(['required', nodeSelector, terms]),
    matches: (name, labels) =>
      wanted.every(([key, value]) => labels[key] === value) && (tests === undefined || tests.some((test) => test(labels, name))),
    names: namesOf(terms),
  }
}

/** How much a node is preferred: the sum of the weights of the terms that it meets. */
export interface NodePreference {
  readonly key: string
  weigh(name: string, labels: Readonly<Record<string, string>>): number
}

/** Undefined when no node is preferred to others. A preference that says nothing prefers none. */
export function preferredNodes(spec: core.PodSpec): NodePreference | undefined {
  const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  const terms = preferred
    .filter(({ weight, preference }) => weight !== 0 && !isEmpty(preference))
    .map(({ weight, preference }) => ({ weight, test: compileTerm(preference) }))
  if (terms.length === 0) return undefined
  return {
    key: JSON.stringify(['preferred', preferred]),
    weigh: (name, labels) => terms.reduce((sum, { weight, test }) => (test(labels, name) ? sum + weight : sum), 0),
  }
}

const isEmpty = (term: core.NodeSelectorTerm): boolean =>
  (term.matchExpressions ?? []).length === 0 && (term.matchFields ?? []).length === 0

/** Terms are alternatives; the expressions of one all have to hold. An empty term matches nothing. */
function compileTerm(term: core.NodeSelectorTerm): Test {
  if (isEmpty(term)) return () => false
  const labels = (term.matchExpressions ?? []).map(compileRequirement)
  const fields = (term.matchFields ?? []).map(compileRequirement)
  return (nodeLabels, name) => labels.every((test) => test(nodeLabels)) && fields.every((test) => test({ 'metadata.name': name }))
}

export function nodeSelectorMatches(selector: core.NodeSelector, name: string, labels: Readonly<Record<string, string>>): boolean {
  return selector.nodeSelectorTerms.some((term) => compileTerm(term)(labels, name))
}

/** The same where a node's name does not count, only its labels: requirements of fields are met by every node. */
export function labelsMatch(selector: core.NodeSelector, labels: Readonly<Record<string, string>>): boolean {
  return selector.nodeSelectorTerms.some(
    (term) => !isEmpty(term) && (term.matchExpressions ?? []).every((one) => compileRequirement(one)(labels)),
  )
}

function compileRequirement(requirement: core.NodeSelectorRequirement): (labels: Readonly<Record<string, string>>) => boolean {
  const { key, operator, values = [] } = requirement
  const valueOf = (labels: Readonly<Record<string, string>>): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined)
  switch (operator) {
    case 'In': {
      const wanted = new Set(values)
      return (labels) => wanted.has(valueOf(labels) ?? '') && valueOf(labels) !== undefined
    }
    case 'NotIn': {
      const refused = new Set(values)
      return (labels) => valueOf(labels) === undefined || !refused.has(valueOf(labels) ?? '')
    }
    case 'Exists':
      return (labels) => valueOf(labels) !== undefined
    case 'DoesNotExist':
      return (labels) => valueOf(labels) === undefined
    case 'Gt':
    case 'Lt': {
      const bound = wholeNumber(values[0])
      return (labels) => {
        const value = wholeNumber(valueOf(labels))
        if (value === undefined || bound === undefined) return false
        return operator === 'Gt' ? value > bound : value < bound
      }
    }
    default:
      return () => false
  }
}

/** Of 64 bits: other numbers are compared with nothing. */
function wholeNumber(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[+-]?\d+$/.test(text)) return undefined
  const value = BigInt(text.replace('+', ''))
  return BigInt.asIntN(64, value) === value ? value : undefined
}

/** When each alternative names its nodes by metadata.name: those names. */
function namesOf(terms: readonly core.NodeSelectorTerm[] | undefined): ReadonlySet<string> | undefined {
  if (terms === undefined || terms.length === 0) return undefined
  const names = new Set<string>()
  for (const term of terms) {
    const byName = term.matchFields?.filter(({ key, operator }) => key === 'metadata.name' && operator === 'In') ?? []
    if (byName.length === 0) return undefined
    const [first, ...more] = byName
    for (const name of first?.values ?? []) if (more.every(({ values }) => values?.includes(name) ?? false)) names.add(name)
  }
  return names
}
