import type { KubeObject, core } from '#api'
import { type Dict, childDict, isDict } from '#compose'
import { answerersOf } from './aliyun/addresses.ts'
import { type AutoScaling, autoscalerOf } from './aliyun/auto-scaling.ts'
import { filtersOf } from './aliyun/filters.ts'
import { type AliyunLabels, aliyunLabels } from './aliyun/labels.ts'
import { type FileSources, fileObjects } from './files.ts'
import { ingressOf } from './objects/ingress.ts'
import { type Findings, type Refusal, objectName, textOf } from './reader.ts'
import { linkedNames, policiesOf, publishedPolicies, servicesOf } from './objects/services.ts'
import { SERVICE_VERDICTS } from './verdicts.ts'
import { claimOf, mountsOf } from './objects/volumes.ts'
import { type Workload, workloadOf } from './objects/workload.ts'

export interface ConvertSources extends FileSources {
  isFile(path: string): boolean
}

export interface Converted {
  /** What workloads need, in an order in which it can be applied: plain Kubernetes objects of one namespace, which is not among them. */
  readonly supporting: readonly KubeObject[]
  /** Workloads in the order in which they start: what others wait for comes first. */
  readonly order: readonly StartStep[]
  /** All that cannot be carried over. Not empty: the project must not be used. */
  readonly refusals: readonly Refusal[]
  readonly notes: readonly { readonly path: readonly string[]; readonly text: string }[]
}

export interface StartStep {
  readonly service: string
  readonly workload: Workload
  readonly waits: readonly Wait[]
}
export interface Wait {
  readonly service: string
  readonly until: 'started' | 'healthy' | 'completed'
  readonly required: boolean
}

/** A checked Compose project as Kubernetes objects. Pure but for `sources`. */
export function convertProject(model: Dict, sources: ConvertSources): Converted {
  const refusals: Refusal[] = []
  const notes: { path: readonly string[]; text: string }[] = []
  const findings: Findings = {
    refuse: (path, reason) => refusals.push({ path, reason }),
    note: (path, text) => notes.push({ path, text }),
  }
  const project = textOf(model['name']) ?? 'project'
  const services = childDict(model, 'services')
  const read = new Map<string, AliyunLabels>()
  for (const [name, service] of Object.entries(services)) {
    if (!isDict(service)) continue
    checkKeys(name, service, findings)
    read.set(name, aliyunLabels(name, service, findings))
  }
  checkFronts(read, findings)
  const answerers = answerersOf(read, findings)
  const steps = startOrder(services, read, findings)
  const completed = new Set(steps.flatMap(({ waits }) => waits.filter((wait) => wait.until === 'completed').map((wait) => wait.service)))
  const claims = new Map<string, number>()
  const links = linkedNames(services, findings)
  const policies = policiesOf(project, model)
  const objects: KubeObject[] = [...fileObjects(model, sources, findings), ...policies]
  const order: StartStep[] = []
  for (const { name, waits } of steps) {
    const service = childDict(services, name)
    const aliyun = read.get(name) ?? aliyunLabels(name, service, findings)
    if (objectName(name) === undefined)
      findings.refuse(['services', name], 'not a name in DNS: start with a letter; letters, digits and dashes, at most 63')
    const mounts = mountsOf(name, service, { model, findings, isFile: (path) => sources.isFile(path) })
    const filters = filtersOf(name, service, services, findings)
    const workload = workloadOf({ project, name, service, aliyun, filters, mounts, completes: completed.has(name), findings })
    for (const claim of mounts.claims) claims.set(claim, (claims.get(claim) ?? 0) + (isSpread(workload) ? 2 : 1))
    const made = servicesOf(project, name, service, aliyun, findings)
    const named = (links.get(name) ?? []).filter((alias) => !made.some((one) => one.metadata?.name === alias))
    objects.push(...made, ...named.map((alias) => renamed(made[0], alias)))
    const ingress = ingressOf(name, aliyun.routes, aliyun.isSticky, (address) => answerers.get(address) ?? [])
    if (ingress !== undefined) {
      objects.push(ingress)
      findings.note(
        ['services', name, 'labels', aliyun.routes[0]?.label ?? ''],
        'takes effect where the cluster has an ingress controller; one of Sampan comes with: sampan up --gateway',
      )
    }
    if (aliyun.autoScaling !== undefined) {
      checkMeasured(name, workload, aliyun.autoScaling, findings)
      objects.push(autoscalerOf(objectName(name) ?? name, aliyun.autoScaling))
    }
    if (policies.length > 0) objects.push(...publishedPolicies(project, name, service, aliyun))
    order.push({ service: name, workload: labelled(workload, project), waits })
  }
  for (const [volume, definition] of Object.entries(childDict(model, 'volumes'))) {
    const users = claims.get(objectName(volume) ?? volume)
    const claim = users === undefined ? undefined : claimOf(volume, definition, users > 1, findings)
    if (claim !== undefined) objects.push(claim)
  }
  checkNames(objects, findings)
  return { supporting: objects.map((object) => labelled(object, project)), order, refusals, notes }
}

/** Everything, workloads last and in the order in which they start. */
export const objectsOf = ({ supporting, order }: Converted): readonly KubeObject[] => [
  ...supporting,
  ...order.map(({ workload }) => workload),
]

/** More than one pod at a time may have the volume. */
const isSpread = ({ kind, spec }: Workload): boolean =>
  kind === 'DaemonSet' || (spec !== undefined && 'replicas' in spec && (spec.replicas ?? 1) > 1)

const renamed = (service: core.Service | undefined, name: string): core.Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  ...service,
  metadata: { name },
})

function labelled<T extends KubeObject>(object: T, project: string): T {
  const labels = { ...object.metadata?.labels, 'app.kubernetes.io/part-of': project, 'app.kubernetes.io/managed-by': 'sampan-compose' }
  return { ...object, metadata: { ...object.metadata, labels } }
}

/** Values with which a refused key says no more than what holds anyway. */
const HARMLESS: Readonly<Record<string, (value: Dict[string], service: Dict) => boolean>> = {
  build: (_, service) => service['image'] !== undefined,
  logging: (value) => isDict(value) && (value['driver'] === undefined || value['driver'] === 'json-file' || value['driver'] === 'local'),
  memswap_limit: (value, service) => value === service['mem_limit'],
  cgroup: (value) => value === 'private',
}

function checkKeys(name: string, service: Dict, findings: Findings): void {
  for (const [key, value] of Object.entries(service)) {
    if (key.startsWith('x-')) continue
    const verdict = Object.hasOwn(SERVICE_VERDICTS, key) ? SERVICE_VERDICTS[key] : undefined
    if (verdict === undefined) findings.refuse(['services', name, key], 'this key is not known')
    else if ('refused' in verdict && HARMLESS[key]?.(value, service) !== true) findings.refuse(['services', name, key], verdict.refused)
  }
}

/** Two services on one front port of one balancer take each other's requests. */
function checkFronts(read: ReadonlyMap<string, AliyunLabels>, findings: Findings): void {
  const owners = new Map<string, string>()
  const claim = (what: string, name: string, label: string): void => {
    const owner = owners.get(what)
    if (owner !== undefined && owner !== name)
      findings.refuse(['services', name, 'labels', label], `${what} belongs to service ${owner} already`)
    else owners.set(what, name)
  }
  for (const [name, { front }] of read)
    for (const { balancer, frontPort, label } of front) claim(`port ${frontPort} of load balancer ${balancer}`, name, label)
}

/** Shares are of something: without a limit or a request there is nothing that 70 % could be of. */
function checkMeasured(name: string, { kind, spec }: Workload, { cpu, memory }: AutoScaling, findings: Findings): void {
  const refuse = (label: string, text: string): void => findings.refuse(['services', name, 'labels', `aliyun.auto_scaling.${label}`], text)
  if (kind !== 'Deployment') return refuse('max_instances', 'what runs once to its end, or once on each node, is not scaled')
  const { limits, requests } = spec?.template.spec?.containers[0]?.resources ?? {}
  const isSaid = (resource: string): boolean => limits?.[resource] !== undefined || requests?.[resource] !== undefined
  if (cpu !== undefined && !isSaid('cpu'))
    refuse(cpu.max === undefined ? 'min_cpu' : 'max_cpu', 'is a part of what the service has: give it cpus or cpu_shares')
  if (memory !== undefined && !isSaid('memory'))
    refuse(
      memory.max === undefined ? 'min_memory' : 'max_memory',
      'is a part of what the service has: give it mem_limit or mem_reservation',
    )
}

/** Two objects of one kind and name would be one: a service called like an alias of another. */
function checkNames(objects: readonly KubeObject[], findings: Findings): void {
  const seen = new Map<string, KubeObject>()
  for (const object of objects) {
    const key = `${object.kind ?? ''} ${object.metadata?.name ?? ''}`
    if (seen.has(key)) findings.refuse(['services', object.metadata?.name ?? ''], `the name ${object.metadata?.name ?? ''} is given twice`)
    seen.set(key, object)
  }
}

interface Ordered {
  readonly name: string
  readonly waits: readonly Wait[]
}

const UNTIL = { service_started: 'started', service_healthy: 'healthy', service_completed_successfully: 'completed' } as const

/** Dependencies first. Compose has refused cycles of its own; those through `aliyun.depends` are refused here. */
function startOrder(services: Dict, read: ReadonlyMap<string, AliyunLabels>, findings: Findings): Ordered[] {
  const ordered = new Map<string, Ordered>()
  const visit = (name: string, trail: readonly string[]): void => {
    if (ordered.has(name)) return
    const at = trail.indexOf(name)
    if (at >= 0)
      return findings.refuse(['services', name, 'labels', 'aliyun.depends'], `dependency cycle: ${[...trail.slice(at), name].join(' -> ')}`)
    const waits = waitsOf(name, services, read.get(name)?.depends ?? [], findings)
    for (const wait of waits) visit(wait.service, [...trail, name])
    ordered.set(name, { name, waits })
  }
  for (const name of Object.keys(services).sort()) visit(name, [])
  return [...ordered.values()]
}

function waitsOf(name: string, services: Dict, labelled: readonly string[], findings: Findings): Wait[] {
  const waits = Object.entries(childDict(childDict(services, name), 'depends_on')).map(([service, how]): Wait => {
    const { condition, required } = isDict(how) ? how : {}
    return { service, until: UNTIL[String(condition) as keyof typeof UNTIL] ?? 'started', required: required !== false }
  })
  for (const service of labelled) {
    if (!(service in services)) findings.refuse(['services', name, 'labels', 'aliyun.depends'], `there is no service ${service}`)
    else if (!waits.some((wait) => wait.service === service)) waits.push({ service, until: 'healthy', required: true })
  }
  return waits
}
