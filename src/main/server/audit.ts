import { type Scope, UserError, readFileIfThere } from '#base'
import { type Audit, AuditLog, type AuditSink, allSinks, openAuditWebhook, parseAuditPolicy } from '#apiserver'
import type { AuditFlags } from '../program/flags.ts'

const DAY_MS = 86_400_000

/** The audit that the flags ask for; undefined when they ask for none. `sink.close` hands on what is waiting. */
export async function openAudit(scope: Scope, flags: AuditFlags): Promise<Audit | undefined> {
  const { auditPolicyFile: file, auditLogPath: path, auditWebhookConfigFile: webhook } = flags
  if (file === undefined && path === undefined && webhook === undefined) return undefined
  if (file === undefined || (path === undefined && webhook === undefined))
    throw new UserError(
      'an audit needs a policy and a place',
      'give --audit-policy-file, and --audit-log-path or --audit-webhook-config-file',
    )
  const text = readFileIfThere(file)
  if (text === undefined) throw new UserError(`the audit policy ${file} cannot be read`, 'give --audit-policy-file an existing file')
  const policy = parseAuditPolicy(text, file)
  const sinks: AuditSink[] = []
  if (webhook !== undefined) sinks.push(await openAuditWebhook(scope, webhook, flags))
  if (path !== undefined)
    sinks.push(
      new AuditLog(scope, {
        path,
        maxBytes: flags.auditLogMaxsize * 1_000_000,
        maxBackups: flags.auditLogMaxbackup,
        maxAgeMs: flags.auditLogMaxage * DAY_MS,
      }),
    )
  return { policy, sink: allSinks(sinks) }
}
