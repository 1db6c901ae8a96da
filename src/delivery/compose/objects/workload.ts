import type { apps, batch, core } from '#api'
import { type Dict, childDict } from '#compose'
import type { PlacementFilters } from '../aliyun/filters.ts'
import { type AliyunLabels } from '../aliyun/labels.ts'
import { containerBasics, networksOf, podBasics, replicasOf } from './container.ts'
import { readinessOf, startupOf } from './health.ts'
import { placementOf } from './placement.ts'
import { type Findings, numberOf, objectName, pairsOf, secondsOf, textOf } from '../reader.ts'
import { resourcesOf } from './resources.ts'
import { NETWORK_LABEL, selectorOf } from './services.ts'
import type { Mounts } from './volumes.ts'

export type Workload = apps.Deployment | apps.DaemonSet | batch.Job

export interface WorkloadInput {
  readonly project: string
  readonly name: string
  readonly service: Dict
  readonly aliyun: AliyunLabels
  readonly filters: PlacementFilters
  readonly mounts: Mounts
  /** Another service waits until this one has completed. */
  readonly completes: boolean
  readonly findings: Findings
}

/** What runs a Compose service: a Deployment, a DaemonSet for one on each node, a Job for what ends. */
export function workloadOf(input: WorkloadInput): Workload {
  const { name, service, aliyun, project, completes, findings } = input
  const own = objectName(name) ?? name
  const selector = selectorOf(project, own)
  const deploy = childDict(service, 'deploy')
  const mode = textOf(deploy['mode']) ?? 'replicated'
  const refuse = (text: string): void => findings.refuse(['services', name, 'deploy'], text)
  if (!['replicated', 'global', 'replicated-job', 'global-job'].includes(mode)) refuse(`mode ${mode}: replicated, global or replicated-job`)
  if (mode === 'global-job') refuse('mode global-job: there are no jobs on every node')
  const metadata = { name: own, labels: selector, ...annotationsOf('annotations', deploy['labels']) }
  const template = templateOf(input, selector)
  if (completes || mode === 'replicated-job') return jobOf(metadata, template, service, deploy)
  if (aliyun.isGlobal || mode === 'global')
    return { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec: { selector: { matchLabels: selector }, template } }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      // Whoever scales it says how many there are; said here too, each `up` would take that back.
      ...(aliyun.autoScaling === undefined ? { replicas: aliyun.scale ?? replicasOf(service) ?? 1 } : {}),
      selector: { matchLabels: selector },
      strategy: strategyOf(input, deploy),
      ...progressOf(deploy, refuse),
      template,
    },
  }
}

function jobOf(metadata: core.PodTemplateSpec['metadata'], template: core.PodTemplateSpec, service: Dict, deploy: Dict): batch.Job {
  const restart = textOf(service['restart']) ?? 'no'
  const policy = childDict(deploy, 'restart_policy')
  const again = restart !== 'no' || (textOf(policy['condition']) ?? 'none') !== 'none'
  const tries = Number(/^on-failure:(\d+)$/.exec(restart)?.[1] ?? numberOf(policy['max_attempts']) ?? 6)
  const replicas = replicasOf(service)
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadata ?? {},
    spec: {
      backoffLimit: again ? tries : 0,
      ...(replicas === undefined ? {} : { parallelism: replicas, completions: replicas }),
      template: { ...template, spec: { containers: [], ...template.spec, restartPolicy: again ? 'OnFailure' : 'Never' } },
    },
  }
}

/** A service with a claim of its own is stopped before the new one starts, as Compose does; others are replaced one after the other. */
function strategyOf({ aliyun, mounts }: WorkloadInput, deploy: Dict): apps.DeploymentStrategy {
  const update = childDict(deploy, 'update_config')
  const parallelism = aliyun.parallelism ?? numberOf(update['parallelism'])
  if (parallelism !== undefined || Object.keys(update).length > 0) {
    const most = parallelism === 0 ? '100%' : (parallelism ?? 1)
    const starts = textOf(update['order']) === 'start-first' && aliyun.parallelism === undefined
    return { type: 'RollingUpdate', rollingUpdate: starts ? { maxSurge: most, maxUnavailable: 0 } : { maxSurge: 0, maxUnavailable: most } }
  }
  return mounts.claims.length > 0 ? { type: 'Recreate' } : { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
}

function progressOf(deploy: Dict, refuse: (text: string) => void): Pick<apps.DeploymentSpec, 'minReadySeconds'> {
  const update = childDict(deploy, 'update_config')
  if (textOf(update['failure_action']) === 'rollback')
    refuse('update_config.failure_action: rollback: releases do not roll back by themselves yet')
  const delay = secondsOf(update['delay']) ?? secondsOf(update['monitor'])
  return delay === undefined ? {} : { minReadySeconds: delay }
}

function templateOf(
  { project, name, service, aliyun, filters, mounts, findings }: WorkloadInput,
  selector: Record<string, string>,
): core.PodTemplateSpec {
  const networks = networksOf(service).map((network) => [`${NETWORK_LABEL}${objectName(network) ?? network}`, 'true'] as const)
  const readiness = aliyun.probe ?? readinessOf(service)
  const startup = aliyun.probe === undefined ? startupOf(service, readiness) : undefined
  const resources = resourcesOf(name, service, aliyun.gpus, findings)
  const container: core.Container = {
    name: objectName(name) ?? name,
    ...containerBasics(name, service, findings),
    ...(aliyun.isLatest ? { imagePullPolicy: 'Always' } : {}),
    ...(readiness === undefined ? {} : { readinessProbe: readiness }),
    ...(startup === undefined ? {} : { startupProbe: startup }),
    ...(resources === undefined ? {} : { resources }),
    ...(mounts.mounts.length > 0 ? { volumeMounts: mounts.mounts } : {}),
  }
  return {
    metadata: {
      labels: { ...selector, ...Object.fromEntries(networks) },
      ...annotationsOf('annotations', service['annotations'], service['labels']),
    },
    spec: {
      ...podBasics(name, service, findings),
      ...placementOf({ project, name, service, filters }, findings),
      containers: [container],
      ...(mounts.volumes.length > 0 ? { volumes: mounts.volumes } : {}),
    },
  }
}

/** Compose labels may hold any text, which labels of Kubernetes may not. */
function annotationsOf(
  key: 'annotations',
  ...from: readonly (Dict[string] | undefined)[]
): { readonly annotations?: Record<string, string> } {
  const all = from.flatMap((one) => pairsOf(one)).filter(([name]) => isAnnotation(name))
  return all.length === 0 ? {} : { [key]: Object.fromEntries(all) }
}

const isAnnotation = (name: string): boolean =>
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(name)
