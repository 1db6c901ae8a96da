import { type core, refs, type scheduling } from '#api'
import type { AdmissionRequest, AdmissionStep, ObjectReader } from '../contract.ts'
import { forbidden, isAbout } from './refuse.ts'

const GROUP = 'scheduling.k8s.io'
const PREEMPT = 'PreemptLowerPriority'

/** Classes for the pods that a cluster and its nodes cannot do without. The server makes them; nobody can delete them. */
export const SYSTEM_PRIORITY_CLASSES: readonly scheduling.PriorityClass[] = [
  systemClass('system-node-critical', 2_000_001_000, 'Used for system critical pods that must not be moved from their current node.'),
  systemClass(
    'system-cluster-critical',
    2_000_000_000,
    'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  ),
]

function systemClass(name: string, value: number, description: string): scheduling.PriorityClass {
  return { apiVersion: `${GROUP}/v1`, kind: 'PriorityClass', metadata: { name }, value, description, preemptionPolicy: PREEMPT }
}

/** A pod's priority is the number of its class, and nobody's own. */
export function priority(reader: ObjectReader): AdmissionStep {
  return {
    name: 'Priority',
    replaces: true,
    handles: (request) => (request.object !== undefined && isAbout(request, '', 'pods')) || isAbout(request, GROUP, 'priorityclasses'),
    mutate(_scope, request) {
      if (request.resource.group === GROUP) return
      const { spec } = request.object as core.Pod
      if (spec === undefined) return
      if (request.operation === 'CREATE') setPriority(reader, request, spec)
      else if (request.operation === 'UPDATE') keepPriority(spec, (request.old as core.Pod).spec)
    },
    validate(_scope, request) {
      if (request.resource.group !== GROUP) return
      if (request.operation === 'DELETE') refuseSystemClass(request)
      else validateDefault(reader, request)
    },
  }
}

function setPriority(reader: ObjectReader, request: AdmissionRequest, spec: core.PodSpec): void {
  const chosen = spec.priorityClassName ? classOf(reader, request, spec.priorityClassName) : defaultClass(reader)
  const name = chosen?.metadata?.name
  if (name !== undefined) spec.priorityClassName = name
  const value = chosen?.value ?? 0
  const policy = chosen?.preemptionPolicy ?? PREEMPT
  const refuse = (what: string, given: string | number, computed: string | number): Error =>
    forbidden(
      request,
      `the ${what} (${given}) must not be provided in pod spec; priority admission controller computed ${computed} from the given PriorityClass name`,
    )
  if (spec.priority !== undefined && spec.priority !== value) throw refuse('integer value of priority', spec.priority, value)
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy)
    throw refuse('string value of PreemptionPolicy', spec.preemptionPolicy, policy)
  spec.priority = value
  spec.preemptionPolicy = policy
}

/** Clients that do not know these fields leave them out. */
function keepPriority(spec: core.PodSpec, old: core.PodSpec | undefined): void {
  spec.priority ??= old?.priority
  spec.preemptionPolicy ??= old?.preemptionPolicy
}

function classOf(reader: ObjectReader, request: AdmissionRequest, name: string): scheduling.PriorityClass {
  const found = reader.get(refs.priorityclasses, '', name) ?? SYSTEM_PRIORITY_CLASSES.find(({ metadata }) => metadata?.name === name)
  if (found === undefined) throw forbidden(request, `no PriorityClass with name ${name} was found`)
  return found
}

/** Of several defaults (two servers may have made them at once) the lowest counts. */
function defaultClass(reader: ObjectReader): scheduling.PriorityClass | undefined {
  const defaults = reader.list(refs.priorityclasses).filter(({ globalDefault }) => globalDefault === true)
  return defaults.reduce<scheduling.PriorityClass | undefined>(
    (lowest, one) => (lowest === undefined || (one.value ?? 0) < (lowest.value ?? 0) ? one : lowest),
    undefined,
  )
}

function validateDefault(reader: ObjectReader, request: AdmissionRequest): void {
  const wanted = request.object as scheduling.PriorityClass
  if (wanted.globalDefault !== true) return
  const name = defaultClass(reader)?.metadata?.name
  if (name === undefined || (request.operation === 'UPDATE' && name === wanted.metadata?.name)) return
  throw forbidden(request, `PriorityClass ${name} is already marked as default. Only one default can exist`)
}

function refuseSystemClass(request: AdmissionRequest): void {
  if (SYSTEM_PRIORITY_CLASSES.some(({ metadata }) => metadata?.name === request.name)) {
    throw forbidden(request, 'this is a system priority class and cannot be deleted')
  }
}
