import type { KeyPair } from '#base'
import type { ControllerDefinition } from '#reconcile'
import { attachDetachController } from './attach-detach/index.ts'
import { horizontalPodAutoscaler } from './autoscaler/index.ts'
import { bootstrapSigner, tokenCleaner } from './bootstrap-tokens/index.ts'
import { certificateApprover, certificateCleaner, certificateSigner } from './certificates/index.ts'
import { clusterRoleAggregationController } from './clusterrole-aggregation/index.ts'
import { cronJobController } from './cronjob/index.ts'
import { daemonSetController } from './daemonset/index.ts'
import { deploymentController } from './deployment/index.ts'
import { deviceTaintEvictionController } from './device-taint-eviction/index.ts'
import { disruptionController, staleDisruptionController } from './disruption/index.ts'
import { endpointsController } from './endpoints/index.ts'
import { endpointSliceController, endpointSliceMirroringController } from './endpointslice/index.ts'
import { ephemeralVolumeController } from './ephemeral-volume/index.ts'
import { garbageCollector } from './garbage/index.ts'
import { jobController, ttlAfterFinishedController } from './job/index.ts'
import { localDeleter, localProvisioner, localResizer, localSnapshotter, localStockKeeper } from './local-volumes/index.ts'
import { namespaceController } from './namespace/index.ts'
import { type BalancerPoolOptions, serviceBalancerController } from './service-lb/index.ts'
import { type NodeIpamOptions, nodeIpamController } from './node-ipam/index.ts'
import { nodeLifecycleController } from './node-lifecycle/index.ts'
import { podGcController } from './pod-gc/index.ts'
import { replicaSetController, replicationController } from './replicaset/index.ts'
import { resourceClaimController } from './resource-claim/index.ts'
import { resourceQuotaController } from './resourcequota/index.ts'
import { rootCaController } from './root-ca/index.ts'
import { serviceCidrController } from './service-cidr/index.ts'
import { serviceAccountController } from './serviceaccount/index.ts'
import { statefulSetController } from './statefulset/index.ts'
import { taintEvictionController } from './taint-eviction/index.ts'
import { type SignLegacyToken, legacyTokenCleaner, tokenSecretController } from './token-secrets/index.ts'
import { ttlController } from './ttl/index.ts'
import { validatingPolicyStatusController } from './validating-policy-status/index.ts'
import { claimBinder, volumeBinder } from './volume-binder/index.ts'
import { volumeExpandController } from './volume-expand/index.ts'
import { attributesClassProtection, claimProtection, volumeProtection } from './volume-protection/index.ts'

/** What can be set from outside; the defaults are Kubernetes' own. */
export interface ControllersOptions {
  /** PEM; published to every namespace. Without it nothing is published. */
  readonly caBundle?: string
  /** What signs certificates and tokens. Without it no requests are signed and no token Secrets are filled. */
  readonly signing?: { readonly authority: KeyPair; readonly legacyToken: SignLegacyToken }
  /** A node that is silent for this long is taken for unreachable. Default 50 s. */
  readonly nodeMonitorGracePeriodMs?: number
  /** The same for a node that has never reported. Default 60 s. */
  readonly nodeStartupGracePeriodMs?: number
  /** In each zone, the pods of so many nodes in trouble begin to leave in a second. Default 0.1. */
  readonly nodeEvictionsPerSecond?: number
  /** The content of a deleted namespace is left alone for this long. Default 5 s. */
  readonly namespaceSettleMs?: number
  /** A node must be missing for this long before its pods are taken for lost. Default 40 s. */
  readonly podGcQuarantineMs?: number
  /** Each node gets its part of the pods' addresses. Without it nobody gives them. */
  readonly nodeIpam?: NodeIpamOptions
  /** Services of type LoadBalancer get addresses of this pool. Without it somebody else gives them theirs. */
  readonly balancerPool?: BalancerPoolOptions
  /** How often each autoscaler looks at its metrics. Default 0.7 s: a step that takes all of one look's time to be seen is seen in the next, within 2 s. */
  readonly autoscalerSyncPeriodMs?: number
  /** Finished pods beyond this number are deleted. Default 12,500; 0 keeps all. */
  readonly terminatedPodThreshold?: number
}

export function controllers(options: ControllersOptions = {}): readonly ControllerDefinition[] {
  return [
    serviceAccountController,
    resourceClaimController,
    ...(options.caBundle === undefined ? [] : [rootCaController(options.caBundle)]),
    namespaceController({ settleMs: options.namespaceSettleMs ?? 5_000 }),
    deploymentController,
    replicaSetController,
    replicationController,
    statefulSetController,
    daemonSetController,
    jobController,
    cronJobController,
    horizontalPodAutoscaler({
      syncPeriodMs: options.autoscalerSyncPeriodMs ?? 700,
      downscaleStabilizationMs: 300_000,
      tolerance: 0.1,
      patience: { cpuInitializationMs: 300_000, initialReadinessMs: 30_000 },
    }),
    ttlAfterFinishedController,
    endpointSliceController,
    endpointSliceMirroringController,
    endpointsController,
    garbageCollector,
    resourceQuotaController,
    disruptionController,
    staleDisruptionController,
    claimBinder,
    volumeBinder,
    claimProtection,
    volumeProtection,
    attributesClassProtection,
    ephemeralVolumeController,
    volumeExpandController,
    localProvisioner,
    localDeleter,
    localResizer,
    localStockKeeper,
    localSnapshotter,
    attachDetachController,
    certificateApprover,
    certificateCleaner,
    bootstrapSigner,
    tokenCleaner,
    legacyTokenCleaner,
    ...signing(options),
    nodeLifecycleController({
      gracePeriodMs: options.nodeMonitorGracePeriodMs ?? 50_000,
      startupGracePeriodMs: options.nodeStartupGracePeriodMs ?? 60_000,
      evictionsPerSecond: options.nodeEvictionsPerSecond ?? 0.1,
      slowEvictionsPerSecond: 0.01,
    }),
    taintEvictionController,
    deviceTaintEvictionController,
    podGcController({ quarantineMs: options.podGcQuarantineMs ?? 40_000, terminatedThreshold: options.terminatedPodThreshold ?? 12_500 }),
    clusterRoleAggregationController,
    serviceCidrController,
    ttlController,
    validatingPolicyStatusController,
    ...(options.nodeIpam === undefined ? [] : [nodeIpamController(options.nodeIpam)]),
    ...(options.balancerPool === undefined ? [] : [serviceBalancerController(options.balancerPool)]),
  ]
}

function signing({ signing: by, caBundle }: ControllersOptions): readonly ControllerDefinition[] {
  if (by === undefined) return []
  return [certificateSigner(by.authority), ...(caBundle === undefined ? [] : [tokenSecretController({ sign: by.legacyToken, caBundle })])]
}
