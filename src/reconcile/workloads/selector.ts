import { labelSelectorOf, type meta } from '#api'

export type Labels = Readonly<Record<string, string>>

/** Whether labels satisfy a selector. No selector selects nothing; an empty one selects everything. */
export function matcherOf(selector: meta.LabelSelector | undefined): (labels: Labels) => boolean {
  const parsed = labelSelectorOf(selector)
  return (labels) => parsed.matches(labels)
}
