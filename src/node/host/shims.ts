import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Scope, messageOf } from '#base'
import { runCommand } from './command.ts'
import { processStart } from './containerd-process.ts'
import type { HostLayout } from './layout.ts'
import type { Machine } from './machine/machine.ts'

export const RUNC_ROOT = '/run/containerd/runc/k8s.io'
const SOCKETS = '/run/containerd/s'
const NAMESPACE = 'k8s.io'

/** A process that keeps the containers of one sandbox, whether containerd runs or not. */
export interface Shim {
  readonly pid: number
  /** Together with the pid this names the process for good. */
  readonly start: string
  /** Of the sandbox. */
  readonly owner: string
}

/** The shims that serve this instance's containerd. */
export function shimsOf(layout: HostLayout): Shim[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry): Shim[] => {
      try {
        if (!/\/containerd-shim/.test(readlinkSync(`/proc/${entry}/exe`))) return []
        const args = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0')
        const after = (flag: string): string | undefined => args[args.indexOf(flag) + 1]
        const start = processStart(Number(entry))
        const owner = after('-id')
        if (after('-address') !== layout.containerd.socket || owner === undefined || start === undefined) return []
        return [{ pid: Number(entry), start, owner }]
      } catch {
        // Gone while being looked at.
        return []
      }
    })
}

/** Kills a shim, and what it kept: nobody else can end that any more. */
export async function removeShim(scope: Scope, layout: HostLayout, machine: Machine, { pid, start, owner }: Shim): Promise<void> {
  if (processStart(pid) === start) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  if (existsSync(join(RUNC_ROOT, owner)))
    await runCommand(scope, machine.binaries.runc, ['--root', RUNC_ROOT, 'delete', '--force', owner]).catch((error: unknown) =>
      scope.log.warn('what a shim kept could not be taken away', { sandbox: owner, error: messageOf(error) }),
    )
  rmSync(socketOf(layout, owner), { force: true })
}

/** Where a shim listens: killed, it leaves the file behind. */
function socketOf(layout: HostLayout, owner: string): string {
  return join(
    SOCKETS,
    createHash('sha256')
      .update(join(layout.containerd.socket, NAMESPACE, owner))
      .digest('hex'),
  )
}
