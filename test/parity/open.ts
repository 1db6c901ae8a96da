import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from './outcome.ts'

/**
 * What is known not to be as recorded yet: topic → scenario names, or `*` for a topic of which nothing passes. The tests fail when a scenario outside this
 * list fails, and also when one inside it passes: the list only ever tells the truth.
 *
 * `params: …` of vap-behaviour stay on it: when the last policy with parameters of a built-in kind goes, kube-apiserver ends its cache of that kind for good,
 * and finds no new parameters until it is started again. They were recorded in that state. A fresh kube-apiserver answers as ours does (tried three times).
 */
export type OpenList = Readonly<Record<string, readonly string[]>>

const FILE = join(import.meta.dirname, 'open.json')

export function readOpen(): OpenList {
  return JSON.parse(readFileSync(FILE, 'utf8')) as OpenList
}

/** Replaces the entries of the topics that were run. */
export function writeOpen(outcomes: readonly Outcome[]): void {
  const before = readOpen()
  const after = { ...before, ...openOf(outcomes) }
  const failing = Object.entries(after).filter(([, names]) => names.length > 0)
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(failing.sort(([a], [b]) => (a < b ? -1 : 1))), null, 1)}\n`)
}

/** The list as it would be if it were written from these outcomes. */
export function openOf(outcomes: readonly Outcome[]): OpenList {
  const topics = Map.groupBy(outcomes, (outcome) => outcome.topic)
  return Object.fromEntries(
    [...topics].map(([topic, all]) => {
      const failed = all.filter((outcome) => outcome.failures.length > 0).map((outcome) => outcome.scenario)
      return [topic, failed.length === all.length ? ['*'] : failed.sort()]
    }),
  )
}

export interface Verdict {
  /** Fail, and are not on the list. */
  readonly broken: readonly Outcome[]
  /** Pass, and are on the list. */
  readonly stale: readonly Outcome[]
}

export function judge(outcomes: readonly Outcome[], open: OpenList): Verdict {
  const isOpen = ({ topic, scenario }: Outcome): boolean => open[topic]?.some((name) => name === '*' || name === scenario) ?? false
  return {
    broken: outcomes.filter((outcome) => outcome.failures.length > 0 && !isOpen(outcome)),
    stale: outcomes.filter((outcome) => outcome.failures.length === 0 && isOpen(outcome)),
  }
}
