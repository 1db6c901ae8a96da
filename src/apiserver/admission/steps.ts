import { escalationStep } from '../auth/rbac/escalation.ts'
import type { RbacEvaluator } from '../auth/rbac/evaluator.ts'
import type { AdmissionStep, Authorizer, ObjectReader } from '../contract.ts'
import { nodeFeatures, podResize } from './changed-pods.ts'
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts'
import { defaultIngressClass, defaultStorageClass } from './default-classes.ts'
import { defaultTolerations } from './default-tolerations.ts'
import { limitRanger } from './limits/limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeRestriction } from './node-restriction/step.ts'
import { podSecurity } from './pod-security/step.ts'
import { podTopologyLabels } from './pod-topology-labels.ts'
import { priority } from './priority.ts'
import { runtimeClass } from './runtime-class.ts'
import { serviceAccount } from './service-account.ts'
import { taintNodes } from './taint-nodes.ts'
import { storageInUseProtection, volumeClaimResize } from './volume-claims.ts'

/**
 * The built-in rules on writes, in the order in which they run. Rules of the users (policies, webhooks) come after these; the
 * check on role escalation after those, since it must see the object as it will be stored; quota is a guard
 * of the transaction (`quota/quota-guard.ts`).
 */
export function admissionSteps(
  reader: ObjectReader,
  authorizer: Authorizer,
  options: { readonly troubleTolerationSeconds?: number | undefined } = {},
): readonly AdmissionStep[] {
  return [
    namespaceLifecycle(reader),
    limitRanger(reader),
    serviceAccount(reader),
    nodeRestriction(reader, authorizer),
    taintNodes,
    podSecurity(reader),
    priority(reader),
    defaultTolerations(options.troubleTolerationSeconds),
    defaultStorageClass(reader),
    storageInUseProtection,
    volumeClaimResize(reader),
    runtimeClass(reader),
    certificateApproval(authorizer),
    certificateSigning(authorizer),
    certificateSubjectRestriction,
    defaultIngressClass(reader),
    podTopologyLabels(reader),
    nodeFeatures(reader),
    podResize(reader),
  ]
}

/** What must see the object after every other step has changed it. */
export function finalAdmissionSteps(reader: ObjectReader, evaluator: RbacEvaluator, authorizer: Authorizer): readonly AdmissionStep[] {
  return [escalationStep(reader, evaluator, authorizer)]
}
