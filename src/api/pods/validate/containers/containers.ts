import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { dnsLabelErrors } from '../../../validation/names.ts'
import { invalidText, validateRequiredEnum } from '../../../validation/values.ts'
import type { AnyContainer } from '../../visit.ts'
import { validateResizePolicy, validateResourceRequirements } from './container-resources.ts'
import { validateEnv, validateEnvFrom } from './environment.ts'
import { validateVolumeDevices, validateVolumeMounts } from './mounts.ts'
import { validateContainerPorts, validateHostPortConflicts } from './ports.ts'
import { validateLifecycleAndProbes } from './probes.ts'
import { validateRestartRules } from './restart-rules.ts'
import { validateSecurityContext } from './security.ts'
import { PULL_POLICIES, type ValidVolumes } from '../volumes/volumes.ts'

const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError']
const NO_RESTART_FOR_INIT = "must not be set to 'RestartContainer' for non-sidecar initContainers"
const NOT_FOR_INIT = 'may not be set for init containers without restartPolicy=Always'
const ENDS_ONLY = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const

/** What the containers of a pod share. */
export interface PodSurroundings {
  readonly spec: core.PodSpec
  readonly volumes: ValidVolumes
  /** Names of the pod's resource claims. */
  readonly claims: ReadonlySet<string>
  readonly graceSeconds: number
}

export function validateContainers(pod: PodSurroundings, path: Path, errors: FieldErrors): void {
  const containers = pod.spec.containers ?? []
  if (containers.length === 0) {
    errors.push(fieldError.required(path))
    return
  }
  containers.forEach((container, i) => {
    const at = path.index(i)
    validateContainer(container, pod, at, errors)
    if (isRepeated(containers, i)) errors.push(fieldError.duplicate(at.child('name'), container.name))
    validateLifecycleAndProbes(container, pod.graceSeconds, at, errors)
    validateRestartRules(container, at, errors)
  })
  validateHostPortConflicts(containers, path, errors)
}

const isRepeated = (containers: readonly AnyContainer[], at: number): boolean => {
  for (let i = 0; i < at; i++) if (containers[i]?.name === containers[at]?.name) return true
  return false
}

export function validateInitContainers(pod: PodSurroundings, path: Path, errors: FieldErrors): void {
  const { initContainers, containers } = pod.spec
  if (initContainers === undefined) return
  const names = new Set((containers ?? []).map(({ name }) => name))
  initContainers.forEach((container, i) => {
    const at = path.index(i)
    validateContainer(container, pod, at, errors)
    validateRestartRules(container, at, errors, true)
    if (names.has(container.name)) errors.push(fieldError.duplicate(at.child('name'), container.name))
    else if ((container.name ?? '') !== '') names.add(container.name)
    validateHostPortConflicts([container], path, errors)
    if (container.restartPolicy === 'Always') {
      validateLifecycleAndProbes(container, pod.graceSeconds, at, errors)
      return
    }
    for (const field of ENDS_ONLY) if (container[field] !== undefined) errors.push(fieldError.forbidden(at.child(field), NOT_FOR_INIT))
    container.resizePolicy?.forEach(({ restartPolicy }, n) => {
      if (restartPolicy === 'RestartContainer')
        errors.push(fieldError.invalid(at.child('resizePolicy').index(n).child('restartPolicy'), restartPolicy, NO_RESTART_FOR_INIT))
    })
  })
}

/** What holds for containers of every kind. */
export function validateContainer(container: AnyContainer, pod: PodSurroundings, path: Path, errors: FieldErrors): void {
  const { name = '', image = '' } = container
  if (name === '') errors.push(fieldError.required(path.child('name')))
  else invalidText(name, dnsLabelErrors(name), path.child('name'), errors)
  if (image === '') errors.push(fieldError.required(path.child('image')))
  validateRequiredEnum(container.terminationMessagePolicy, MESSAGE_POLICIES, path.child('terminationMessagePolicy'), errors)
  if (container.ports !== undefined) validateContainerPorts(container.ports, path.child('ports'), errors)
  if (container.env !== undefined) validateEnv(container.env, path.child('env'), errors)
  if (container.envFrom !== undefined) validateEnvFrom(container.envFrom, path.child('envFrom'), errors)
  if (container.volumeMounts !== undefined)
    validateVolumeMounts(container, container.volumeMounts, pod.volumes, path.child('volumeMounts'), errors)
  if (container.volumeDevices !== undefined)
    validateVolumeDevices(container, container.volumeDevices, pod.volumes, path.child('volumeDevices'), errors)
  validateRequiredEnum(container.imagePullPolicy, PULL_POLICIES, path.child('imagePullPolicy'), errors)
  if (container.resources !== undefined) validateResourceRequirements(container.resources, pod.claims, path.child('resources'), errors)
  if (container.resizePolicy !== undefined)
    validateResizePolicy(container.resizePolicy, pod.spec.restartPolicy, path.child('resizePolicy'), errors)
  if (container.securityContext !== undefined)
    validateSecurityContext(container.securityContext, pod.spec.hostUsers !== false, path.child('securityContext'), errors)
}
