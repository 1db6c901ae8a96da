import { defineResource } from '../../define.ts'
import { orNone, readinessGates, summarisePod } from '../../pods/columns.ts'
import { DEFAULT_GRACE_SECONDS } from '../../pods/defaults.ts'
import { defaultPod, podWarnings } from '../../pods/index.ts'
import { keepStatus, onlyEphemeralContainers, onlyResources, onlyStatus } from '../../pods/parts.ts'
import { appArmorWarnings } from '../../pods/app-armor.ts'
import { prepareNewPod } from '../../pods/prepare.ts'
import { validateEphemeralUpdate } from '../../pods/validate/ephemeral-update.ts'
import { validateNewPod } from '../../pods/validate/pod.ts'
import { validatePodStatus } from '../../pods/validate/pod-status.ts'
import { validateResize } from '../../pods/validate/resize.ts'
import { validatePodUpdate } from '../../pods/validate/pod-update.ts'
import { isMirrorPod } from '../../pods/visit.ts'
import * as refs from '../../refs.gen.ts'
import type { Pod } from '../../types/core-v1.gen.ts'

export const pods = defineResource(refs.pods, {
  strategy: {
    generation: 'spec',
    sharesSpec: true,
    defaults: defaultPod,
    earlyWarnings: appArmorWarnings,
    prepareForCreate: prepareNewPod,
    prepareForUpdate: keepStatus,
    validate: validateNewPod,
    validateUpdate: validatePodUpdate,
    warnings: podWarnings,
    deleteAnswer: 'object',
    gracefulDeletion: graceSeconds,
  },
  columns: {
    Ready: (pod, now) => summarisePod(pod, now).ready,
    Status: (pod, now) => summarisePod(pod, now).status,
    Restarts: (pod, now) => summarisePod(pod, now).restarts,
    IP: (pod) => orNone(pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP),
    Node: (pod) => orNone(pod.spec?.nodeName),
    'Nominated Node': (pod) => orNone(pod.status?.nominatedNodeName),
    'Readiness Gates': readinessGates,
  },
  selectable: {
    'spec.nodeName': (pod) => pod.spec?.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec?.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec?.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? '',
    // Known, and never filled in upstream.
    'status.podIPs': () => '',
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
  subresources: {
    status: { type: 'status', prepareForUpdate: onlyStatus, validateUpdate: validatePodStatus },
    ephemeralcontainers: { type: 'update', prepareForUpdate: onlyEphemeralContainers, validateUpdate: validateEphemeralUpdate },
    resize: { type: 'update', prepareForUpdate: onlyResources, validateUpdate: validateResize },
  },
})

/** Pods that no node runs, or that have ended, go at once. */
function graceSeconds(pod: Pod, asked: number | undefined): number {
  const seconds = asked ?? pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS
  const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
  if ((pod.spec?.nodeName ?? '') === '' || ended || isMirrorPod(pod)) return 0
  return seconds < 0 ? 1 : seconds
}
