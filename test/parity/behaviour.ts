import { setTimeout as sleep } from 'node:timers/promises'
import type { Difference } from './compare.ts'
import type { Answer, Json, JsonObject, PodChange, Scenario, Step } from './corpus.ts'
import type { Wire } from './http.ts'
import { ABSENT, matches, pick } from './json-path.ts'
import { Run, compareAnswers } from './run.ts'

const TRY_EVERY_MS = 150
const MERGE = { 'Content-Type': 'application/merge-patch+json' }
const STRATEGIC = { 'Content-Type': 'application/strategic-merge-patch+json' }
const PHASES = { ready: 'Running', running: 'Running', succeeded: 'Succeeded', failed: 'Failed' } as const

/** A scenario about controllers and the scheduler: it waits for outcomes, and plays the kubelet. */
export class BehaviourRun extends Run {
  /** Multiplies the time limits, for a machine that has more to do. */
  readonly #slow: number
  #addresses = 0

  constructor(wire: Wire, scenario: Scenario, slow = 1) {
    super(wire, scenario, true)
    this.#slow = slow
  }

  override async prepare(): Promise<void> {
    if (this.scenario.serial === true) await this.#withoutNodes()
    await super.prepare()
  }

  async #withoutNodes(): Promise<void> {
    for (let i = 0; i < 200; i++) {
      const nodes = pick((await this.once({ request: 'GET /api/v1/nodes' })).raw, 'items')
      if (!Array.isArray(nodes) || nodes.length === 0) return
      await sleep(100)
    }
  }

  protected override async check(step: Step): Promise<readonly Difference[]> {
    if (step.quiet === true || (step.request === undefined && step.eventually === undefined) || step.response === undefined) {
      await this.act(step)
      return []
    }
    if (step.eventually === undefined) return compareAnswers(step.response, this.answer(await this.perform(step), step))
    if (step.sleepMs !== undefined) await sleep(step.sleepMs)
    return this.#eventually(step, step.response)
  }

  override async act(step: Step): Promise<void> {
    if (step.setPods === undefined && step.request === undefined) {
      if (step.sleepMs !== undefined) await sleep(step.sleepMs)
      return
    }
    if (step.setPods === undefined) return super.act(step)
    if (step.sleepMs !== undefined) await sleep(step.sleepMs)
    await this.#setPods(step.setPods, true)
  }

  /** Asks until the answer is the recorded one and has been so for a while, or the time is up. */
  async #eventually(step: Step, expected: Answer): Promise<readonly Difference[]> {
    const timeoutMs = (step.timeoutMs ?? 15_000) * this.#slow
    const start = Date.now()
    let since = start
    const filled: Step = {
      ...step,
      ...(step.where === undefined ? {} : { where: this.fillValue(step.where) as JsonObject }),
      ...(step.without === undefined ? {} : { without: this.fillValue(step.without) as JsonObject }),
    }
    for (;;) {
      if (step.kubelet !== undefined) await this.#kubelet(step.kubelet)
      const request: Step = {
        request: step.eventually ?? '',
        ...(step.as === undefined ? {} : { as: step.as }),
        ...(step.headers === undefined ? {} : { headers: step.headers }),
      }
      const { status, raw } = await this.once(request)
      const found = compareAnswers(expected, { status, body: this.normaliser.body(raw, filled) })
      const now = Date.now()
      if (found.length > 0) since = now
      if (found.length === 0 && now - since >= (step.holdMs ?? 400)) return []
      if (now - start > timeoutMs) return found
      await sleep(TRY_EVERY_MS)
    }
  }

  async #kubelet(change: PodChange): Promise<void> {
    await this.#setPods(change, false)
    const { state: _, status: __, count: ___, ...rest } = change
    await this.#setPods({ ...rest, terminating: true, delete: true }, false)
  }

  async #setPods(change: PodChange, wait: boolean): Promise<void> {
    const where = this.fillValue(change.where ?? {}) as JsonObject
    const deadline = Date.now() + (change.timeoutMs ?? 15_000) * this.#slow
    const fits = (pod: Json): boolean =>
      matches(pod, where) &&
      (pick(pod, 'metadata.deletionTimestamp') !== ABSENT) === (change.terminating === true) &&
      (change.delete === true || change.status !== undefined || stateOf(pod) !== change.state)
    const age = (pod: Json): string => `${String(pick(pod, 'metadata.creationTimestamp'))}${String(pick(pod, 'metadata.name'))}`
    for (;;) {
      const request = `GET /api/v1/namespaces/${change.namespace ?? '{ns}'}/pods?labelSelector=${change.selector ?? ''}`
      const items = pick((await this.once({ request })).raw, 'items')
      const pods = (Array.isArray(items) ? items : []).filter(fits).sort((a, b) => (age(a) < age(b) ? -1 : 1))
      if (pods.length >= (change.count ?? 1) || !wait) {
        if (change.newest === true) pods.reverse()
        for (const pod of pods.slice(0, change.count)) await this.#setPod(pod, change, wait)
        return
      }
      if (Date.now() > deadline) throw new Error(`${pods.length} pods for ${JSON.stringify(change)}`)
      await sleep(TRY_EVERY_MS)
    }
  }

  async #setPod(pod: Json, change: PodChange, strict: boolean): Promise<void> {
    const path = `/api/v1/namespaces/${String(pick(pod, 'metadata.namespace'))}/pods/${String(pick(pod, 'metadata.name'))}`
    const status = { ...this.#podStatus(pod, change), ...(this.fillValue(change.status ?? {}) as JsonObject) }
    const step: Step =
      change.delete === true
        ? { request: `DELETE ${path}?gracePeriodSeconds=0` }
        : { request: `PATCH ${path}/status`, headers: STRATEGIC, body: { status } }
    const answer = await this.once(step)
    if (strict && answer.status >= 300 && answer.status !== 404)
      throw new Error(`setPods: ${answer.status} ${String(pick(answer.raw, 'message'))}`)
  }

  #podStatus(pod: Json, change: PodChange): JsonObject {
    const { state } = change
    if (state === undefined || !(state in PHASES)) return {}
    const now = new Date().toISOString().replace(/\.\d+/, '')
    const ended = state === 'succeeded' || state === 'failed'
    const code = change.exitCode ?? (state === 'failed' ? 1 : 0)
    const endReason = state === 'failed' ? 'PodFailed' : 'PodCompleted'
    const condition = (type: string, value: string): Json => ({
      type,
      status: value,
      lastTransitionTime: now,
      reason: ended && value === 'False' ? endReason : null,
    })
    const ready = state === 'ready' ? 'True' : 'False'
    const known = pick(pod, 'status.podIP')
    const ip = known === ABSENT || known === '' ? (ended ? undefined : this.#nextAddress()) : known
    const startTime = pick(pod, 'status.startTime')
    const containers = pick(pod, 'spec.containers')
    return {
      phase: PHASES[state],
      startTime: startTime === ABSENT ? now : startTime,
      ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
      conditions: [
        condition('Initialized', 'True'),
        condition('Ready', ready),
        condition('ContainersReady', ready),
        ...(ended ? [] : [condition('PodScheduled', 'True')]),
      ],
      containerStatuses: (Array.isArray(containers) ? containers : []).map((container) => ({
        name: pick(container, 'name'),
        image: pick(container, 'image'),
        imageID: '',
        ready: state === 'ready',
        restartCount: 0,
        started: !ended,
        state: ended
          ? { running: null, terminated: { exitCode: code, reason: code === 0 ? 'Completed' : 'Error', startedAt: now, finishedAt: now } }
          : { running: { startedAt: now } },
      })),
    }
  }

  #nextAddress(): string {
    this.#addresses++
    return `10.1.${Math.floor(this.#addresses / 250)}.${(this.#addresses % 250) + 1}`
  }

  /** Pods on nodes would wait for a kubelet, so they are deleted at once, last of all, when their controllers can no longer replace them. */
  protected override async clean(): Promise<void> {
    await super.clean()
    const made = this.created.map((path) => /^\/api\/v1\/namespaces\/([^/]+)$/.exec(path)?.[1])
    for (const name of new Set([this.words['ns'], this.words['ns2'], ...made].filter((one) => typeof one === 'string')))
      await this.#removePods(name)
  }

  async #removePods(namespace: string): Promise<void> {
    for (let i = 0; i < 20; i++) {
      await this.quietly({ request: `DELETE /api/v1/namespaces/${namespace}/pods?gracePeriodSeconds=0` })
      const answer = await this.quietly({ request: `GET /api/v1/namespaces/${namespace}/pods` })
      const pods = answer === undefined ? ABSENT : pick(answer.raw, 'items')
      if (!Array.isArray(pods) || pods.length === 0) return
      if (i > 2)
        for (const pod of pods)
          await this.quietly({
            request: `PATCH /api/v1/namespaces/${namespace}/pods/${String(pick(pod, 'metadata.name'))}`,
            headers: MERGE,
            body: { metadata: { finalizers: null } },
          })
      await sleep(500)
    }
  }
}

function stateOf(pod: Json): string {
  const phase = pick(pod, 'status.phase')
  if (phase === 'Succeeded') return 'succeeded'
  if (phase === 'Failed') return 'failed'
  if (phase !== 'Running') return 'none'
  const conditions = pick(pod, 'status.conditions')
  const ready = Array.isArray(conditions) && conditions.some((one) => pick(one, 'type') === 'Ready' && pick(one, 'status') === 'True')
  return ready ? 'ready' : 'running'
}
