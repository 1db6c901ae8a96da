import { type Scope, UserError } from '#base'
import type { AuditSink } from './audit-record.ts'

/** `--audit-webhook-…` of kube-apiserver. */
export interface AuditWebhookFlags {
  readonly auditWebhookConfigFile?: string
  readonly auditWebhookBatchBufferSize: number
  readonly auditWebhookBatchMaxSize: number
  /** Durations as in `1m30s`. */
  readonly auditWebhookBatchMaxWait?: string
  readonly auditWebhookInitialBackoff?: string
}

/** kube-apiserver's defaults. */
const MAX_WAIT_MS = 30_000
const INITIAL_BACKOFF_MS = 10_000
const THROTTLE = { throttleQps: 10, throttleBurst: 15 }

/** The webhook that a kubeconfig names. Its code is loaded only where there is one. Throws `UserError`. */
export async function openAuditWebhook(scope: Scope, kubeconfig: string, flags: AuditWebhookFlags): Promise<AuditSink> {
  const { auditWebhookBatchBufferSize: bufferSize, auditWebhookBatchMaxSize: maxSize } = flags
  if (maxSize < 1 || bufferSize < maxSize)
    throw new UserError(
      `--audit-webhook-batch-max-size is ${maxSize} and --audit-webhook-batch-buffer-size ${bufferSize}`,
      'the first is at least 1, the second at least as much',
    )
  const [{ AuditWebhook }, { readWebhookKubeconfig }, { durationFlag }] = await Promise.all([
    import('./audit-webhook.ts'),
    import('../auth/configured/webhooks/webhook-kubeconfig.ts'),
    import('../auth/configured/duration-flag.ts'),
  ])
  return new AuditWebhook(scope, readWebhookKubeconfig(kubeconfig), {
    bufferSize,
    maxSize,
    maxWaitMs: durationFlag(flags.auditWebhookBatchMaxWait, '--audit-webhook-batch-max-wait', MAX_WAIT_MS),
    initialBackoffMs: durationFlag(flags.auditWebhookInitialBackoff, '--audit-webhook-initial-backoff', INITIAL_BACKOFF_MS),
    ...THROTTLE,
  })
}
