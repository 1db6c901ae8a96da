import { Counters, type Histogram, Histograms, type MetricText } from '#base'
import { PodSecurityMetrics } from './decisions/pod-security-metrics.ts'

type Phase = 'admit' | 'validate'
const BOUNDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5]
const POLICY_BOUNDS = [0.0000005, 0.001, 0.01, 0.1, 1]

/** Why a webhook did not let a request through. */
export type WebhookError = 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error'

export interface WebhookCall {
  readonly name: string
  readonly type: 'admit' | 'validating'
  readonly operation: string
  readonly seconds: number
  readonly rejected: boolean
  /** Of the webhook's HTTP answer; 0 when there was none. */
  readonly code: number
  readonly error?: WebhookError
  /** With which it refused. */
  readonly rejectionCode?: number
}

/** How long admission takes, as a whole, by step, webhook and policy, and what it refuses. */
export class AdmissionMetrics {
  readonly podSecurity = new PodSecurityMetrics()
  readonly #phases = new Histograms(
    { name: 'apiserver_admission_step_admission_duration_seconds', help: 'Time of all steps that change or judge a request.' },
    ['type', 'operation', 'rejected'],
    BOUNDS,
  )
  readonly #steps = new Histograms(
    { name: 'apiserver_admission_controller_admission_duration_seconds', help: 'Time of one step of admission, by its name.' },
    ['name', 'type', 'operation', 'rejected'],
    BOUNDS,
  )
  readonly #webhooks = new Histograms(
    { name: 'apiserver_admission_webhook_admission_duration_seconds', help: 'Time that an admission webhook took, by its name.' },
    ['name', 'type', 'operation', 'rejected'],
    [...BOUNDS, 10, 25],
  )
  readonly #requests = new Counters(
    { name: 'apiserver_admission_webhook_request_total', help: 'Calls of admission webhooks, by the status code of the answer.' },
    ['name', 'type', 'operation', 'code', 'rejected'],
  )
  readonly #rejections = new Counters(
    {
      name: 'apiserver_admission_webhook_rejection_count',
      help: 'Requests that a webhook has refused, or that failed because it did not answer.',
    },
    ['name', 'type', 'operation', 'error_type', 'rejection_code'],
  )
  readonly #failOpen = new Counters(
    { name: 'apiserver_admission_webhook_fail_open_count', help: 'Calls of webhooks that failed and were passed over.' },
    ['name', 'type'],
  )
  readonly #checks = new Counters(
    {
      name: 'apiserver_validating_admission_policy_check_total',
      help: 'Requests that a validating policy has judged, by what was done then.',
    },
    ['policy', 'policy_binding', 'error_type', 'enforcement_action'],
  )
  readonly #checking = new Histograms(
    { name: 'apiserver_validating_admission_policy_check_duration_seconds', help: 'Time of the expressions of a validating policy.' },
    ['policy', 'policy_binding', 'error_type', 'enforcement_action'],
    POLICY_BOUNDS,
  )
  readonly #mutations = new Counters(
    { name: 'apiserver_mutating_admission_policy_check_total', help: 'Requests that a mutating policy has been applied to.' },
    ['policy', 'policy_binding', 'error_type'],
  )
  readonly #mutating = new Histograms(
    { name: 'apiserver_mutating_admission_policy_check_duration_seconds', help: 'Time of the expressions of a mutating policy.' },
    ['policy', 'policy_binding', 'error_type'],
    POLICY_BOUNDS,
  )
  /** The usual case of each step, found without putting a key together. */
  readonly #passed = new Map<string, Map<object | Phase, Histogram>>()

  phase(type: Phase, operation: string, rejected: boolean, ms: number): void {
    const histogram = rejected ? this.#phases.of(type, operation, 'true') : this.#usual(type, operation, type, undefined)
    histogram.observe(ms / 1000)
  }
  step(step: { readonly name: string }, type: Phase, operation: string, rejected: boolean, ms: number): void {
    const histogram = rejected ? this.#steps.of(step.name, type, operation, 'true') : this.#usual(type, operation, step, step.name)
    histogram.observe(ms / 1000)
  }

  webhook({ name, type, operation, seconds, rejected, code, error, rejectionCode = 0 }: WebhookCall): void {
    this.#webhooks.of(name, type, operation, String(rejected)).observe(seconds)
    this.#requests.of(name, type, operation, String(Math.min(code, 600)), String(rejected)).value++
    if (error !== undefined) this.#rejections.of(name, type, operation, error, String(Math.min(rejectionCode, 600))).value++
  }
  failedOpen(name: string, type: WebhookCall['type']): void {
    this.#failOpen.of(name, type).value++
  }

  policy(policy: string, binding: string, error: string, action: string, ms: number): void {
    this.#checks.of(policy, binding, error, action).value++
    this.#checking.of(policy, binding, error, action).observe(ms / 1000)
  }

  mutation(policy: string, binding: string, error: 'no_error' | 'invalid_error', ms: number): void {
    this.#mutations.of(policy, binding, error).value++
    this.#mutating.of(policy, binding, error).observe(ms / 1000)
  }

  #usual(type: Phase, operation: string, key: object | Phase, name: string | undefined): Histogram {
    const row = type === 'admit' ? operation : `${operation} `
    let histograms = this.#passed.get(row)
    if (histograms === undefined) this.#passed.set(row, (histograms = new Map()))
    let found = histograms.get(key)
    if (found === undefined) {
      found = name === undefined ? this.#phases.of(type, operation, 'false') : this.#steps.of(name, type, operation, 'false')
      histograms.set(key, found)
    }
    return found
  }

  write(text: MetricText): void {
    const families = [
      this.#phases,
      this.#steps,
      this.#webhooks,
      this.#requests,
      this.#rejections,
      this.#failOpen,
      this.#checks,
      this.#checking,
      this.#mutations,
      this.#mutating,
    ]
    for (const family of families) family.write(text)
    this.podSecurity.write(text)
  }
}
