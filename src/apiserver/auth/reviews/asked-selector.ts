import { type authorization, parseFieldSelector, parseLabelSelector } from '#api'

type Attributes = authorization.FieldSelectorAttributes | authorization.LabelSelectorAttributes
type Requirement = authorization.FieldSelectorAttributes['requirements'] extends readonly (infer R)[] | undefined ? R : never

/** A selector that a review asks about, as a request would have it. What cannot be read is left out: the question is then about more objects, never about fewer. */
export interface AskedSelector {
  readonly text?: string
  /** What is told of what was left out. */
  readonly problem?: string
}

export function askedSelector(word: 'fieldSelector' | 'labelSelector', selector: Attributes | undefined): AskedSelector {
  if (selector === undefined) return {}
  const lost = `spec.resourceAttributes.${word}`
  const { rawSelector = '', requirements = [] } = selector
  if (requirements.length === 0) {
    if (rawSelector === '') return {}
    return canRead(word, rawSelector) ? { text: rawSelector } : { problem: ignored(lost) }
  }
  const parts = requirements.flatMap((requirement) => (word === 'fieldSelector' ? fieldText(requirement) : labelText(requirement)))
  const text = parts.length === 0 ? {} : { text: parts.join(',') }
  if (parts.length === requirements.length) return text
  return { ...text, problem: parts.length === 0 ? ignored(lost) : `${lost} partially ignored due to parse error` }
}

const ignored = (what: string): string => `${what} ignored due to parse error`

function canRead(word: 'fieldSelector' | 'labelSelector', text: string): boolean {
  try {
    if (word === 'fieldSelector') parseFieldSelector(text)
    else parseLabelSelector(text)
    return true
  } catch {
    return false
  }
}

/** Fields are compared with one value. */
function fieldText({ key = '', operator, values = [] }: Requirement): readonly string[] {
  const [value = ''] = values ?? []
  if (values?.length !== 1 || (operator !== 'In' && operator !== 'NotIn')) return []
  return [`${key}${operator === 'In' ? '=' : '!='}${value.replaceAll(/[\\,=]/g, String.raw`\$&`)}`]
}

function labelText({ key = '', operator, values = [] }: Requirement): readonly string[] {
  switch (operator) {
    case 'In':
      return [`${key} in (${values?.join(',')})`]
    case 'NotIn':
      return [`${key} notin (${values?.join(',')})`]
    case 'Exists':
      return [key]
    case 'DoesNotExist':
      return [`!${key}`]
    default:
      return []
  }
}
