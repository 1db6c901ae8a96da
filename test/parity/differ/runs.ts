import type { Answer, Json, JsonObject, Scenario, Step } from '../corpus.ts'
import type { Wire } from '../http.ts'
import { pick } from '../json-path.ts'
import { type Exchange, Run } from '../run.ts'
import type { Seed } from './seeds.ts'

/** What the changes of a seed are made on. */
export class Ground extends Run {
  /** Resolves when what is asked for is as the step wants it. */
  async reached(step: Step): Promise<void> {
    await this.quietly(step)
  }

  async stored({ collection, body }: Seed): Promise<Json> {
    const name = String((body['metadata'] as JsonObject)['name'])
    return (await this.quietly({ request: `GET ${collection}/${name}` }))?.raw ?? null
  }
}

/** One exchange, in a namespace that others use too. */
export class SharedRun extends Run {
  readonly #ports: readonly string[]

  /** `stored` is what the change is made to: addresses and ports that the server chose for it are no difference, not even in the text of a refusal. */
  constructor(wire: Wire, scenario: Scenario, words: Run['words'], stored: Json) {
    super(wire, scenario)
    Object.assign(this.words, words)
    this.normaliser.learn(structuredClone(stored))
    this.#ports = [...JSON.stringify(stored).matchAll(/"(?:healthCheckN|n)odePort":(\d+)/g)].map(([, port = '']) => port)
  }

  protected override answer(got: Exchange, step: Step): Answer {
    const answer = super.answer(got, step)
    const message = pick(answer.body, 'message')
    if (typeof message !== 'string' || this.#ports.length === 0) return answer
    const settled = this.#ports.reduce((text, port) => text.replaceAll(port, '<port>'), JSON.stringify(answer.body))
    return { ...answer, body: JSON.parse(settled) as Json }
  }

  /** Undefined when the connection was cut: kube-apiserver panics over some objects. */
  async answerTo(step: Step): Promise<Answer | undefined> {
    const got = await this.once(step).catch(() => undefined)
    if (got === undefined) return undefined
    this.normaliser.learn(got.raw)
    return this.answer(got, step)
  }
}
