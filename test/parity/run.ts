import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Difference, differences } from './compare.ts'
import type { Answer, Json, Scenario, Step } from './corpus.ts'
import { type Sent, type Wire, headerLines } from './http.ts'
import { ABSENT, assign, pick, remove } from './json-path.ts'
import { Normaliser, settle, sortManagers } from './normalise.ts'

export interface Failure extends Difference {
  /** From 1; 0 when the scenario could not be run to its end. */
  readonly step: number
  readonly request: string
}

export interface Exchange {
  readonly status: number
  readonly headers: Record<string, string | readonly string[]>
  readonly raw: Json
  readonly ended?: boolean
}

const POLL_EVERY_MS = 100
const OPEN_WITHIN_MS = 1000
const NAMESPACE_LETTERS = 'bcdfghjklmnpqrstvwxz'

/** One run of one scenario, in namespaces of its own. */
export class Run {
  readonly wire: Wire
  readonly scenario: Scenario
  readonly words: Record<string, Json>
  readonly normaliser: Normaliser
  /** Paths of what was created outside the run's namespaces, and of Services in them: these hold addresses and ports of the whole server. */
  readonly created: string[] = []

  constructor(wire: Wire, scenario: Scenario, behaviour = false) {
    this.wire = wire
    this.scenario = scenario
    const random = Array.from({ length: 9 }, () => NAMESPACE_LETTERS[Math.floor(Math.random() * NAMESPACE_LETTERS.length)]).join('')
    this.words = { ns: `p${random}` }
    if (JSON.stringify(scenario).includes('{ns2}')) this.words['ns2'] = `p${random}x2`
    this.normaliser = new Normaliser(this.words, scenario, wire.host, behaviour)
  }

  /** Runs it and tells how the answers differ from the recorded ones. Never rejects. */
  async differences(): Promise<Failure[]> {
    const failures: Failure[] = []
    try {
      await this.prepare()
      for (const [index, step] of this.scenario.steps.entries()) {
        const request = step.request ?? step.eventually ?? ''
        for (const difference of await this.check(step)) failures.push({ step: index + 1, request, ...difference })
      }
    } catch (error) {
      failures.push({
        step: 0,
        request: '',
        path: 'error',
        expected: 'an answer',
        got: error instanceof Error ? error.message : String(error),
      })
    }
    await this.clean()
    return failures
  }

  async prepare(): Promise<void> {
    for (const name of ['ns', 'ns2']) {
      const namespace = this.words[name]
      if (namespace === undefined) continue
      await this.act({ request: 'POST /api/v1/namespaces', body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } })
      const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }
      await this.act({ request: `POST /api/v1/namespaces/${asText(namespace)}/serviceaccounts`, allow: [409], body })
    }
    for (const step of this.scenario.setup ?? []) await this.act(step)
  }

  protected async check(step: Step): Promise<readonly Difference[]> {
    if (step.response === undefined) {
      await this.act(step)
      return []
    }
    const recorded = JSON.parse(settle(JSON.stringify(step.response))) as Answer
    const got = await this.perform(step)
    return compareAnswers({ ...recorded, body: sortManagers(recorded.body) }, this.answer(got, step))
  }

  protected answer(got: Exchange, step: Step): Answer {
    const { warning } = got.headers
    const headers = {
      ...got.headers,
      ...(Array.isArray(warning) ? { warning: warning.map((text: string) => this.normaliser.string(text)) } : {}),
    }
    return {
      status: got.status,
      headers,
      body: this.normaliser.body(got.raw, step),
      ...(got.ended === undefined ? {} : { ended: got.ended }),
    }
  }

  /** A step that must succeed and is not compared. */
  async act(step: Step): Promise<void> {
    if (step.request === undefined) throw new Error('a step without a request')
    const { status, raw } = await this.perform(step)
    if ((status >= 200 && status < 300) || step.allow?.includes(status)) return
    throw new Error(`setup: ${this.fill(step.request)}: ${status} ${JSON.stringify(raw).slice(0, 300)}`)
  }

  /** Sends the step's request, again and again where it polls. */
  async perform(step: Step): Promise<Exchange> {
    if (step.sleepMs !== undefined) await sleep(step.sleepMs)
    const { poll } = step
    const deadline = Date.now() + (poll?.timeoutMs ?? 10_000)
    for (;;) {
      const got = await this.once(step)
      const statusFits = poll?.status === undefined || poll.status === got.status
      const valueFits = poll?.path === undefined || JSON.stringify(pick(got.raw, poll.path)) === JSON.stringify(poll.equals)
      if ((statusFits && valueFits) || Date.now() > deadline) {
        for (const [word, path] of Object.entries(step.save ?? {}))
          this.words[word] = path === '$' ? structuredClone(got.raw) : pick(got.raw, path)
        this.normaliser.learn(got.raw)
        return got
      }
      await sleep(POLL_EVERY_MS)
    }
  }

  async once(step: Step): Promise<Exchange> {
    const [, method, template] = /^([A-Z]+) (.*)$/s.exec(step.request ?? '') ?? []
    if (method === undefined || template === undefined) throw new Error(`bad request line: ${step.request}`)
    const path = this.fill(template, encodeURIComponent)
    let body =
      typeof step.body === 'string' ? this.fill(step.body) : step.body === undefined ? undefined : JSON.stringify(this.fillValue(step.body))
    if (step.bodyRepeat !== undefined) body = body?.replace('{repeat}', 'x'.repeat(step.bodyRepeat))
    const sent = { method, path, headers: this.wire.headersFor(step, body, (text) => this.fill(text)), body }
    if (step.watch !== undefined) return this.#watch(step, step.watch, sent)
    const { response, bytes } = await this.wire.send(sent)
    const raw = decode(response, bytes)
    const status = response.statusCode ?? 0
    if (status === 201) this.#remember(method, path, raw)
    return { status, headers: headersOf(response, step), raw }
  }

  /** Reads watch events until there are enough, the time is up, or the server ends the answer. */
  async #watch(step: Step, watch: NonNullable<Step['watch']>, sent: Sent): Promise<Exchange> {
    const { until = Infinity, timeoutMs = 5000, during = [] } = watch
    const opened = this.wire.open(sent)
    const answer = opened.then(({ response, request }): Exchange | Promise<Exchange> => {
      const status = response.statusCode ?? 0
      const headers = headersOf(response, step)
      if (status !== 200 || !/json/.test(response.headers['content-type'] ?? ''))
        return drain(response).then((bytes) => ({ status, headers, raw: decode(response, bytes) }))
      return new Promise((resolve) => {
        const events: Json[] = []
        let text = ''
        const finish = (ended?: boolean): void => {
          clearTimeout(timer)
          resolve({ status, headers, raw: events, ...(events.length < until && ended !== undefined ? { ended } : {}) })
          request.destroy()
        }
        const timer = setTimeout(() => finish(false), timeoutMs)
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          const lines = (text + chunk).split('\n')
          text = lines.pop() ?? ''
          for (const line of lines) if (line.trim() !== '' && events.length < until) events.push(parse(line))
          if (events.length >= until) finish()
        })
        response.on('end', () => finish(true))
        response.on('error', () => finish(true))
      })
    })
    if (during.length > 0) {
      await Promise.race([opened, sleep(OPEN_WITHIN_MS)])
      for (const inner of during) await this.act(inner)
    }
    return answer
  }

  #remember(method: string, path: string, raw: Json): void {
    const plain = path.split('?')[0] ?? ''
    const own = [this.words['ns'], this.words['ns2']].some((name) => typeof name === 'string' && plain.includes(`/namespaces/${name}/`))
    const name = pick(raw, 'metadata.name')
    if (
      (own && !plain.endsWith('/services')) ||
      name === ABSENT ||
      name === '' ||
      pick(raw, 'kind') === 'Status' ||
      /[?&]dryRun=/.test(path)
    )
      return
    this.created.push(method === 'POST' ? `${plain}/${asText(name)}` : plain)
  }

  protected async clean(): Promise<void> {
    for (const path of this.created.reverse()) {
      const answer = await this.quietly({ request: `DELETE ${path}?gracePeriodSeconds=0` })
      const finalizers = answer === undefined ? ABSENT : pick(answer.raw, 'metadata.finalizers')
      if (Array.isArray(finalizers) && finalizers.length > 0 && !/\/(customresourcedefinitions|namespaces)\//.test(path))
        await this.quietly({
          request: `PATCH ${path}`,
          headers: { 'Content-Type': 'application/merge-patch+json' },
          body: { metadata: { finalizers: null } },
        })
    }
  }

  /** For who runs the steps himself. */
  done(): Promise<void> {
    return this.clean()
  }

  protected quietly(step: Step): Promise<Exchange | undefined> {
    return this.once(step).catch(() => undefined)
  }

  fill(text: string, encode: (text: string) => string = (plain) => plain): string {
    return text.replace(/\{(\w+)\}/g, (all, word: string) =>
      Object.hasOwn(this.words, word) ? encode(asText(this.words[word] ?? null)) : all,
    )
  }

  fillValue(value: Json): Json {
    if (typeof value === 'string') return this.fill(value)
    if (Array.isArray(value)) return value.map((item) => this.fillValue(item))
    if (value === null || typeof value !== 'object') return value
    const { $var: word, $unset: unset, $set: set } = value
    if (typeof word !== 'string')
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.fill(key), this.fillValue(item)]))
    const copy = structuredClone(this.words[word] ?? {})
    if (Array.isArray(unset)) for (const path of unset) remove(copy, String(path))
    if (set !== null && typeof set === 'object')
      for (const [path, content] of Object.entries(set)) assign(copy, path, this.fillValue(content as Json))
    return copy
  }
}

export function compareAnswers(expected: Answer, got: Answer): readonly Difference[] {
  return [
    ...differences(expected.status, got.status, 'status'),
    ...(expected.headers === undefined ? [] : differences(expected.headers as Json, got.headers as Json, 'headers')),
    ...differences(expected.ended, got.ended, 'ended'),
    ...differences(expected.body, got.body),
  ]
}

const asText = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))

function headersOf(response: IncomingMessage, step: Step): Exchange['headers'] {
  const headers: Exchange['headers'] = {}
  const type = response.headers['content-type']
  if (type !== undefined) headers['content-type'] = type
  const warnings = headerLines(response, 'warning')
  if (warnings.length > 0) headers['warning'] = warnings
  for (const name of step.expectHeaders ?? []) headers[name] ??= headerLines(response, name)[0] ?? ABSENT
  if (headers['audit-id'] !== undefined && headers['audit-id'] !== ABSENT) headers['audit-id'] = '<id>'
  return headers
}

function decode(response: IncomingMessage, bytes: Buffer): Json {
  const type = response.headers['content-type'] ?? ''
  const text = bytes.toString('utf8')
  if (text === '') return null
  if (/protobuf|octet-stream|cbor/.test(type)) return '<binary>'
  return /json/.test(type) || /^[{[]/.test(text) ? parse(text) : text
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

async function drain(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
