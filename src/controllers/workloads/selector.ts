import type { meta } from '#api'

export type Labels = Readonly<Record<string, string>>

/** Whether labels satisfy a selector. No selector selects nothing; an empty one selects everything. */
export function matcherOf(selector: meta.LabelSelector | undefined): (labels: Labels) => boolean {
  if (selector === undefined) return () => false
  const equal = Object.entries(selector.matchLabels ?? {})
  const expressions = selector.matchExpressions ?? []
  return (labels) => equal.every(([key, value]) => labels[key] === value) && expressions.every((expression) => holds(expression, labels))
}

function holds(expression: meta.LabelSelectorRequirement, labels: Labels): boolean {
  const value = labels[expression.key]
  switch (expression.operator) {
    case 'In':
      return value !== undefined && (expression.values ?? []).includes(value)
    case 'NotIn':
      return value === undefined || !(expression.values ?? []).includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      return false
  }
}
