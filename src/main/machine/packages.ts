import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { UserError } from '#base'

/** A program that the node needs, and the Debian package that brings it. */
export interface NeededProgram {
  readonly program: string
  readonly package: string
  readonly folders?: readonly string[]
}

const CNI_FOLDERS = ['/usr/lib/cni', '/opt/cni/bin']
export const NODE_PROGRAMS: readonly NeededProgram[] = [
  { program: 'containerd', package: 'containerd' },
  { program: 'runc', package: 'runc' },
  { program: 'bridge', package: 'containernetworking-plugins', folders: CNI_FOLDERS },
  { program: 'nft', package: 'nftables' },
  { program: 'conntrack', package: 'conntrack' },
  { program: 'ip', package: 'iproute2' },
  { program: 'nsenter', package: 'util-linux' },
  { program: 'losetup', package: 'mount' },
  { program: 'mkfs.ext4', package: 'e2fsprogs' },
  { program: 'mkfs.xfs', package: 'xfsprogs' },
]

/** What `--gateway` needs beside them. */
export const GATEWAY_PROGRAMS: readonly [NeededProgram] = [{ program: 'haproxy', package: 'haproxy' }]

const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
const SERVICE_POLICY = '/usr/sbin/policy-rc.d'
const REFUSE_SERVICES = '#!/bin/sh\n# Sampan, while it installs packages: none of them may start a service.\nexit 101\n'

/** Otherwise it is for a person to install what is missing. */
export const canInstallPackages = (): boolean => existsSync('/usr/bin/apt-get')

export function missingPrograms(needed: readonly NeededProgram[], path: string): readonly NeededProgram[] {
  const folders = new Set([...path.split(delimiter), ...SYSTEM_FOLDERS])
  return needed.filter(({ program, folders: own }) => ![...(own ?? folders)].some((folder) => existsSync(join(folder, program))))
}

/**
 * Installs Debian packages without starting what they bring: a policy that refuses services is in force meanwhile,
 * unless the machine has one of its own.
 */
export function installPackages(packages: readonly string[]): void {
  if (!canInstallPackages())
    throw new UserError(
      `these packages are missing: ${packages.join(', ')}`,
      "install them with this machine's package manager, then run the command again",
    )
  const ownPolicy = !existsSync(SERVICE_POLICY)
  if (ownPolicy) {
    writeFileSync(SERVICE_POLICY, REFUSE_SERVICES)
    chmodSync(SERVICE_POLICY, 0o755)
  }
  try {
    const install = ['install', '-y', '--no-install-recommends', ...packages]
    if (apt(install).status === 0) return
    // The lists may be old, or have never been fetched.
    const update = apt(['update'])
    if (update.status !== 0) throw new UserError('apt-get update failed', update.output)
    const again = apt(install)
    if (again.status !== 0) throw new UserError(`apt-get could not install ${packages.join(', ')}`, again.output)
  } finally {
    if (ownPolicy && readFileSync(SERVICE_POLICY, 'utf8') === REFUSE_SERVICES) rmSync(SERVICE_POLICY)
  }
}

function apt(args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const run = spawnSync('apt-get', args, { encoding: 'utf8', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  return { status: run.status, output: `${run.stdout}${run.stderr}`.trimEnd().split('\n').slice(-6).join('\n') }
}
