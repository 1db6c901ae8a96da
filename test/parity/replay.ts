import { BehaviourRun } from './behaviour.ts'
import type { Scenario, Topic } from './corpus.ts'
import { type Target, Wire } from './http.ts'
import { type OpenList, type Verdict, judge } from './open.ts'
import type { Outcome } from './outcome.ts'
import { Run } from './run.ts'

export interface ReplayOptions {
  /** Scenarios run side by side. */
  readonly jobs: number
  readonly behaviour?: boolean
  readonly only?: RegExp
  readonly slow?: number
  readonly onOutcome?: (outcome: Outcome) => void
}

/** Runs scenarios against a server. Those marked serial come last, one by one. */
export async function replay(target: Target, topics: readonly Topic[], options: ReplayOptions): Promise<readonly Outcome[]> {
  const wire = new Wire(target)
  const all = topics
    .flatMap((topic) => topic.scenarios.map((scenario) => ({ topic: topic.name, scenario })))
    .filter((entry) => options.only === undefined || options.only.test(`${entry.topic} › ${entry.scenario.name}`))
  const outcomes: Outcome[] = []
  const work = async (entry: { topic: string; scenario: Scenario }): Promise<void> => {
    const run = options.behaviour === true ? new BehaviourRun(wire, entry.scenario, options.slow) : new Run(wire, entry.scenario)
    const outcome = { topic: entry.topic, scenario: entry.scenario.name, failures: await run.differences() }
    outcomes.push(outcome)
    options.onOutcome?.(outcome)
  }
  try {
    await sideBySide(
      all.filter(({ scenario }) => scenario.serial !== true),
      options.jobs,
      work,
    )
    await sideBySide(
      all.filter(({ scenario }) => scenario.serial === true),
      1,
      work,
    )
  } finally {
    wire.close()
  }
  return outcomes
}

/** As many at once as there are jobs. */
export async function sideBySide<T>(items: readonly T[], jobs: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item)
  }
  await Promise.all(Array.from({ length: jobs }, worker))
}

/**
 * Replays, and asks once more about whatever does not agree with the list: alone, with more time. A machine that is busy makes scenarios late that
 * wait for outcomes; what disagrees twice is a finding.
 */
export async function verdict(target: Target, topics: readonly Topic[], options: ReplayOptions, open: OpenList): Promise<Verdict> {
  const first = judge(await replay(target, topics, options), open)
  const doubtful = new Set([...first.broken, ...first.stale].map(({ topic, scenario }) => `${topic} › ${scenario}`))
  if (doubtful.size === 0) return first
  const again = topics.map((topic) => ({
    ...topic,
    scenarios: topic.scenarios.filter(({ name }) => doubtful.has(`${topic.name} › ${name}`)),
  }))
  return judge(await replay(target, again, { ...options, jobs: 1, slow: (options.slow ?? 1) * 2 }), open)
}

/** An outcome for a person: the first differences as JSON paths. */
export function describeOutcome(outcome: Outcome, most = 6): string {
  const lines = [`${outcome.failures.length === 0 ? 'ok' : 'FAIL'} ${outcome.topic} › ${outcome.scenario}`]
  for (const failure of outcome.failures.slice(0, most))
    lines.push(
      `    step ${failure.step} ${failure.request.slice(0, 100)}: ${failure.path}: expected ${failure.expected}, got ${failure.got}`,
    )
  if (outcome.failures.length > most) lines.push(`    and ${outcome.failures.length - most} more`)
  return lines.join('\n')
}
