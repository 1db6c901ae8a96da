import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { shownStruct } from '../../meta/go-struct.ts'
import { defaultPodTemplate, podTemplateWarnings } from '../../pods/index.ts'
import * as refs from '../../refs.gen.ts'
import type { Deployment, DeploymentStrategy } from '../../types/apps-v1.gen.ts'
import { validateNonnegative } from '../../validation/values.ts'
import {
  SPEC,
  STATUS,
  TEMPLATE_PATH,
  containerImages,
  containerNames,
  keepSpec,
  keepStatus,
  nameWarnings,
  scaleSelector,
  selectorText,
  specChanged,
  validateAtMost,
  validateCollisions,
  validateCounts,
  isNewlyWanted,
} from '../../workloads/workload.ts'
import { SHOWN_DEPLOYMENT_STRATEGY } from './shown-strategies.ts'
import { validateSameSelector } from '../../workloads/selector.ts'
import { validateReplicatedTemplate } from './replicated-template.ts'
import { shareNumber, validateAtMostAll, validateShare } from '../../workloads/share.ts'

const STRATEGY = SPEC.child('strategy')
const COUNTS = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'terminatingReplicas',
  'collisionCount',
]

export const deployments = defineResource(refs.deployments, {
  strategy: {
    // Its annotations are part of what a revision is made of.
    generation: (deployment, old) =>
      specChanged(deployment, old) || !deepEqual(deployment.metadata?.annotations ?? {}, old.metadata?.annotations ?? {}),
    defaults,
    prepareForCreate: (deployment) => {
      deployment.status = {}
    },
    prepareForUpdate: keepStatus,
    validate,
    validateUpdate: (deployment, old, errors) => {
      validate(deployment, errors)
      validateSameSelector(deployment.spec?.selector, old.spec?.selector, errors)
    },
    warnings: (deployment, old) => [
      ...nameWarnings(deployment, old),
      ...(isNewlyWanted(deployment, old) ? podTemplateWarnings(deployment.spec?.template, TEMPLATE_PATH) : []),
    ],
  },
  columns: {
    Ready: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    'Up-to-date': ({ status }) => status?.updatedReplicas ?? 0,
    Available: ({ status }) => status?.availableReplicas ?? 0,
    Containers: containerNames,
    Images: containerImages,
    Selector: selectorText,
  },
  subresources: {
    status: { type: 'status', prepareForUpdate: keepSpecAndLabels, validateUpdate: validateStatus, keepsLabels: true },
    scale: {
      type: 'scale',
      replicas: ({ spec }) => spec?.replicas ?? 0,
      statusReplicas: ({ status }) => status?.replicas ?? 0,
      selector: scaleSelector,
      setReplicas: (draft, replicas) => {
        if (draft.spec !== undefined) draft.spec.replicas = replicas
      },
    },
  },
})

function defaults({ spec }: Deployment): void {
  if (spec === undefined) return
  spec.replicas ??= 1
  spec.strategy ??= {}
  const { strategy } = spec
  strategy.type ||= 'RollingUpdate'
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate ??= {}
    strategy.rollingUpdate.maxUnavailable ??= '25%'
    strategy.rollingUpdate.maxSurge ??= '25%'
  }
  spec.revisionHistoryLimit ??= 10
  spec.progressDeadlineSeconds ??= 600
  defaultPodTemplate(spec.template)
}

function validate({ spec }: Deployment, errors: FieldErrors): void {
  validateNonnegative(spec?.replicas, SPEC.child('replicas'), errors)
  validateReplicatedTemplate(spec, errors)
  validateStrategy(spec?.strategy ?? {}, errors)
  validateNonnegative(spec?.minReadySeconds, SPEC.child('minReadySeconds'), errors)
  validateNonnegative(spec?.revisionHistoryLimit, SPEC.child('revisionHistoryLimit'), errors)
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec ?? {}
  const path = SPEC.child('progressDeadlineSeconds')
  validateNonnegative(deadline, path, errors)
  if (deadline !== undefined && deadline <= minReadySeconds)
    errors.push(fieldError.invalid(path, deadline, 'must be greater than minReadySeconds'))
}

function validateStrategy(strategy: DeploymentStrategy, errors: FieldErrors): void {
  const path = STRATEGY.child('rollingUpdate')
  const { rollingUpdate } = strategy
  switch (strategy.type) {
    case undefined:
      break
    case 'Recreate':
      if (rollingUpdate !== undefined) errors.push(fieldError.forbidden(path, "may not be specified when strategy `type` is 'Recreate'"))
      break
    case 'RollingUpdate': {
      if (rollingUpdate === undefined) {
        errors.push(fieldError.required(path, 'this should be defaulted and never be nil'))
        break
      }
      const { maxUnavailable, maxSurge } = rollingUpdate
      validateShare(maxUnavailable, path.child('maxUnavailable'), errors)
      validateShare(maxSurge, path.child('maxSurge'), errors)
      if (shareNumber(maxUnavailable) === 0 && shareNumber(maxSurge) === 0)
        errors.push(fieldError.invalid(path.child('maxUnavailable'), maxUnavailable, 'may not be 0 when `maxSurge` is 0'))
      validateAtMostAll(maxUnavailable, path.child('maxUnavailable'), errors)
      break
    }
    default:
      errors.push(fieldError.notSupported(STRATEGY, shownStruct(SHOWN_DEPLOYMENT_STRATEGY, strategy), ['Recreate', 'RollingUpdate']))
  }
}

function keepSpecAndLabels(draft: Deployment, old: Deployment): void {
  keepSpec(draft, old)
  const labels = old.metadata?.labels
  draft.metadata ??= {}
  if (labels === undefined) delete draft.metadata.labels
  else draft.metadata.labels = labels
}

function validateStatus({ status }: Deployment, old: Deployment, errors: FieldErrors): void {
  validateCounts({ ...status }, COUNTS, STATUS, errors)
  validateAtMost(
    { ...status },
    [
      ['updatedReplicas', 'replicas'],
      ['readyReplicas', 'replicas'],
      ['availableReplicas', 'replicas'],
      ['availableReplicas', 'readyReplicas', 'readyReplicas'],
    ],
    errors,
  )
  validateCollisions(status?.collisionCount, old.status?.collisionCount, errors)
}
