import { type Scope, UserError, readFileIfThere } from '#base'
import { type Audit, AuditLog, parseAuditPolicy } from '#apiserver'
import type { AuditFlags } from './flags.ts'

const DAY_MS = 86_400_000

/** The audit log that the flags ask for; undefined when they ask for none. `sink.close` writes what is waiting. */
export function openAudit(scope: Scope, flags: AuditFlags): (Audit & { readonly sink: AuditLog }) | undefined {
  const { auditPolicyFile: file, auditLogPath: path } = flags
  if (file === undefined && path === undefined) return undefined
  if (file === undefined || path === undefined)
    throw new UserError('an audit log needs a policy and a place', 'give --audit-policy-file and --audit-log-path')
  const text = readFileIfThere(file)
  if (text === undefined) throw new UserError(`the audit policy ${file} cannot be read`, 'give --audit-policy-file an existing file')
  const policy = parseAuditPolicy(text, file)
  const sink = new AuditLog(scope, {
    path,
    maxBytes: flags.auditLogMaxsize * 1_000_000,
    maxBackups: flags.auditLogMaxbackup,
    maxAgeMs: flags.auditLogMaxage * DAY_MS,
  })
  return { policy, sink }
}
