import { seededRandom } from '#base'
import type { Answer, Scenario, Step, Topic } from '../corpus.ts'
import { type Target, Wire } from '../http.ts'
import { sideBySide } from '../replay.ts'
import { Run } from '../run.ts'
import { type Finding, findingOf } from './findings.ts'
import { type Variation, variationsOf } from './variations.ts'

export interface RetellOptions {
  readonly jobs: number
  /** Against `topic › scenario`. */
  readonly only?: RegExp
  readonly seed: number
  /** Variations of each scenario. */
  readonly times: number
  /** No telling is begun later than so many seconds after the start. */
  readonly seconds: number
  readonly onFinding: (finding: Finding) => void
}

const LONGEST_POLL_MS = 3000
const LONGEST_WATCH_MS = 1500

/** One telling, to its end; answers are compared by who reads them. */
class Telling extends Run {
  async answers(): Promise<readonly (Answer | undefined)[]> {
    const answers: (Answer | undefined)[] = []
    try {
      await this.prepare()
      for (const step of this.scenario.steps)
        answers.push(
          await this.perform(step).then(
            (got) => this.answer(got, step),
            () => undefined,
          ),
        )
    } catch (error) {
      answers.push({ status: 0, body: `setup: ${String(error)}` })
    }
    await this.done()
    return answers
  }
}

/** Tells recorded scenarios with one thing changed to a real server and to another one, and where the answers part. */
export async function retell(real: Target, ours: Target, topics: readonly Topic[], options: RetellOptions): Promise<number> {
  const wires = [new Wire(real), new Wire(ours)] as const
  const all = topics
    .flatMap((topic) => topic.scenarios.map((scenario) => ({ topic: topic.name, scenario })))
    .filter(({ topic, scenario }) => scenario.serial !== true && (options.only?.test(`${topic} › ${scenario.name}`) ?? true))
    .flatMap(({ topic, scenario }, index) =>
      variationsOf(impatient(scenario), seededRandom(options.seed * 1_000_003 + index), options.times).map((variation) => ({
        topic,
        variation,
      })),
    )
  const deadline = Date.now() + options.seconds * 1000
  let compared = 0
  try {
    await sideBySide(all, options.jobs, async ({ topic, variation }) => {
      if (Date.now() > deadline) return
      compared++
      // A second time, for what was only late.
      const found = (await told(wires, topic, variation)) === undefined ? undefined : await told(wires, topic, variation)
      if (found !== undefined) options.onFinding(found)
    })
  } finally {
    for (const wire of wires) wire.close()
  }
  return compared
}

const impatient = (scenario: Scenario): Scenario => ({
  ...scenario,
  steps: scenario.steps.map((step) => ({
    ...step,
    ...(step.poll && { poll: { ...step.poll, timeoutMs: Math.min(step.poll.timeoutMs ?? LONGEST_POLL_MS, LONGEST_POLL_MS) } }),
    ...(step.watch && { watch: { ...step.watch, timeoutMs: Math.min(step.watch.timeoutMs ?? LONGEST_WATCH_MS, LONGEST_WATCH_MS) } }),
  })),
})

async function told(wires: readonly [Wire, Wire], topic: string, { name, scenario }: Variation): Promise<Finding | undefined> {
  const [expected = [], got = []] = await Promise.all(wires.map((wire) => new Telling(wire, scenario).answers()))
  for (const [index, answer] of expected.entries()) {
    const other = got[index]
    // The real server has not answered, or was not ready for the scenario in time.
    if (answer === undefined || answer.status === 0) return undefined
    const request: Step = scenario.steps[index] ?? {}
    const change = `${scenario.name} › ${name} › ${index + 1} ${request.request ?? ''}`
    const finding = findingOf({ kind: topic, mode: 'retold', change, request }, [answer, other])
    if (finding !== undefined) return finding
  }
  return undefined
}
