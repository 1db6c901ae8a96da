import { type Amounts, type core, podAmounts, refs } from '#api'
import { aggregate } from '../../auth/rbac/evaluator.ts'
import type { AdmissionRequest, AdmissionStep, ObjectReader } from '../../contract.ts'
import { checkLimits } from './limit-checks.ts'
import { forbidden, isAbout } from '../refuse.ts'

const ANNOTATION = 'kubernetes.io/limit-ranger'

/** Gives containers the default amounts of their namespace and refuses pods and claims outside its limits. */
export function limitRanger(reader: ObjectReader): AdmissionStep {
  return {
    name: 'LimitRanger',
    replaces: true,
    handles: (request) =>
      (request.operation === 'CREATE' && isAbout(request, '', 'pods')) ||
      (request.operation === 'UPDATE' && isAbout(request, '', 'pods', 'resize')) ||
      ((request.operation === 'CREATE' || request.operation === 'UPDATE') && isAbout(request, '', 'persistentvolumeclaims')),
    mutate(_scope, request) {
      if (request.resource.plural !== 'pods' || request.operation !== 'CREATE') return
      for (const range of rangesOf(reader, request)) applyDefaults(request.object as core.Pod, range)
    },
    validate(_scope, request) {
      if (request.operation === 'UPDATE' && request.object?.metadata?.deletionTimestamp !== undefined) return
      for (const range of rangesOf(reader, request)) {
        const problems =
          request.resource.plural === 'pods'
            ? podProblems(request.object as core.Pod, range)
            : claimProblems(request.object as core.PersistentVolumeClaim, range)
        if (problems.length > 0) throw forbidden(request, aggregate(problems))
      }
    },
  }
}

const rangesOf = (reader: ObjectReader, { namespace }: AdmissionRequest): readonly core.LimitRange[] =>
  reader.list(refs.limitranges, namespace)
const limitsOf = (range: core.LimitRange, type: string): readonly core.LimitRangeItem[] =>
  (range.spec?.limits ?? []).filter((item) => item.type === type)

function applyDefaults(pod: core.Pod, range: core.LimitRange): void {
  const requests: Amounts = Object.assign({}, ...limitsOf(range, 'Container').map(({ defaultRequest }) => defaultRequest))
  const limits: Amounts = Object.assign({}, ...limitsOf(range, 'Container').map((item) => item.default))
  const done: string[] = []
  const filled = (container: core.Container, what: string): core.Container => {
    const resources = { ...container.resources }
    for (const [kind, amounts] of [
      ['requests', requests],
      ['limits', limits],
    ] as const) {
      const missing = Object.keys(amounts).filter((name) => resources[kind]?.[name] === undefined)
      if (missing.length === 0) continue
      resources[kind] = { ...resources[kind], ...Object.fromEntries(missing.map((name) => [name, amounts[name] ?? '0'])) }
      done.push(`${missing.sort().join(', ')} ${kind.slice(0, -1)} for ${what} ${container.name}`)
    }
    return { ...container, resources }
  }
  const { spec } = pod
  if (spec !== undefined) {
    const { containers, initContainers } = spec
    if (containers !== undefined) spec.containers = containers.map((one) => filled(one, 'container'))
    if (initContainers !== undefined) spec.initContainers = initContainers.map((one) => filled(one, 'init container'))
  }
  if (done.length === 0) return
  pod.metadata = {
    ...pod.metadata,
    annotations: { ...pod.metadata?.annotations, [ANNOTATION]: `LimitRanger plugin set: ${done.join('; ')}` },
  }
}

/** Of a pod, what its runtime adds does not count. */
function podProblems({ spec }: core.Pod, range: core.LimitRange): readonly string[] {
  const bare = spec && { ...spec, overhead: undefined }
  return (range.spec?.limits ?? []).flatMap((item) => {
    if (item.type === 'Container') {
      const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
      return containers.flatMap(({ resources }) => checkLimits(item, resources?.requests ?? {}, resources?.limits ?? {}))
    }
    return item.type === 'Pod' ? checkLimits(item, podAmounts(bare, 'requests'), podAmounts(bare, 'limits')) : []
  })
}

/** A claim has no limit: its request is all there is. */
function claimProblems({ spec }: core.PersistentVolumeClaim, range: core.LimitRange): readonly string[] {
  const requests = spec?.resources?.requests ?? {}
  return limitsOf(range, 'PersistentVolumeClaim').flatMap((item) => checkLimits(item, requests, undefined))
}
