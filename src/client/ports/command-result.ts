import type { Status } from '#api'

/** How a remote command ended: by itself with a code, or because it could not be run or followed. */
export type CommandResult =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'failed'; readonly message: string; readonly status?: Status }

const EXIT_REASON = 'NonZeroExitCode'
const EXIT_CAUSE = 'ExitCode'

/** The Status that is written on the error stream, by protocols from version 4 on. */
export function statusOf(result: CommandResult): object {
  if (result.kind === 'failed')
    return (
      result.status ?? {
        metadata: {},
        status: 'Failure',
        message: `Internal error occurred: ${result.message}`,
        reason: 'InternalError',
        details: { causes: [{ message: result.message }] },
        code: 500,
      }
    )
  if (result.exitCode === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${result.exitCode}`,
    reason: EXIT_REASON,
    details: { causes: [{ reason: EXIT_CAUSE, message: String(result.exitCode) }] },
  }
}

/** What earlier protocols write instead: nothing for success. */
export function textOf(result: CommandResult): string {
  if (result.kind === 'failed') return result.message
  return result.exitCode === 0 ? '' : `command terminated with non-zero exit code: exit status ${result.exitCode}`
}

/** Reads what came on the error stream. Nothing at all is what a connection that broke leaves behind. */
export function resultOf(text: string): CommandResult {
  let status: Partial<Status>
  try {
    status = JSON.parse(text) as Partial<Status>
  } catch {
    return { kind: 'failed', message: text === '' ? 'the connection ended before the command did' : text }
  }
  if (status.status === 'Success') return { kind: 'exited', exitCode: 0 }
  const code = status.reason === EXIT_REASON ? status.details?.causes?.find(({ reason }) => reason === EXIT_CAUSE)?.message : undefined
  if (code !== undefined && /^\d+$/.test(code)) return { kind: 'exited', exitCode: Number(code) }
  return { kind: 'failed', message: status.message ?? text, status: status as Status }
}
