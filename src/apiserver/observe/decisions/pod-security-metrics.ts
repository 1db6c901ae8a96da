import { Counters, type MetricText } from '#base'

interface Judged {
  readonly operation: string
  readonly resource: { readonly group: string; readonly plural: string }
  readonly subresource: string
}

export interface Evaluation {
  readonly allowed: boolean
  readonly mode: 'enforce' | 'audit' | 'warn'
  readonly level: string
  /** `latest`, `future` or `v1.30`. */
  readonly version: string
}

const ABOUT = ['request_operation', 'resource', 'subresource'] as const

/** What the pod security levels of namespaces have said of pods, and of workloads that make some. */
export class PodSecurityMetrics {
  readonly #evaluations = new Counters(
    { name: 'pod_security_evaluations_total', help: 'Pods and workloads that were held against a pod security level.' },
    ['decision', 'policy_level', 'policy_version', 'mode', ...ABOUT],
  )

  evaluated(request: Judged, { allowed, mode, level, version }: Evaluation): void {
    this.#evaluations.of(allowed ? 'allow' : 'deny', level, version, mode, ...about(request)).value++
  }

  write(text: MetricText): void {
    this.#evaluations.write(text)
  }
}

function about({ operation, resource, subresource }: Judged): [string, string, string] {
  const isPod = resource.group === '' && resource.plural === 'pods'
  return [operation.toLowerCase(), isPod ? 'pod' : 'controller', subresource]
}
