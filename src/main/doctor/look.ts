import { execFileSync } from 'node:child_process'
import { existsSync, statfsSync } from 'node:fs'
import { freemem } from 'node:os'
import { delimiter, dirname } from 'node:path'
import { type Scope, readFileIfThere } from '#base'
import { gracePeriodsSwitch, kernelFiltersBridges, kernelSpeaksIPv6, lookAtMachine, shortagesNow, usualFilesystem } from '#node'
import { familiesOf } from '../instance/instance.ts'
import { GATEWAY_PROGRAMS, NODE_PROGRAMS, canInstallPackages, missingPrograms } from '../machine/packages.ts'
import { EVICTION } from '../up/commands.ts'
import type { DoctorFacts, Examined, GatewayFacts } from './doctor-facts.ts'
import { type Listener, listenersOf } from './ports.ts'
import { lookAtRuntime } from './runtime-facts.ts'
import { tryKernel } from './throwaway-network.ts'
import { wantedPorts } from './wanted-ports.ts'

/** Changes nothing. */
export async function lookAround(scope: Scope, examined: Examined): Promise<DoctorFacts> {
  const { stateDir, instance, containerdDir } = examined
  const machine = lookAtMachine(containerdDir === undefined ? {} : { containerdDir })
  const hasIPv6 = kernelSpeaksIPv6()
  const wantsGateway = instance?.gateway === true
  const dir = existing(stateDir)
  const disk = statfsSync(dir)
  const path = [containerdDir ?? '', process.env['PATH'] ?? ''].join(delimiter)
  return {
    machine,
    missing: missingPrograms(NODE_PROGRAMS, path),
    canInstall: canInstallPackages(),
    architecture: process.arch,
    trials: machine.isRoot ? await tryKernel(scope, hasIPv6 ? ['IPv4', 'IPv6'] : ['IPv4']) : undefined,
    hasIPv6,
    wantsIPv6: instance !== undefined && familiesOf(instance).includes('IPv6'),
    hasSctp: hasSctp(),
    filtersBridges: kernelFiltersBridges(),
    hasHurrySwitch: gracePeriodsSwitch() !== undefined,
    volumeFilesystem: await usualFilesystem(),
    hasLoopDevices: existsSync('/dev/loop-control'),
    runtime: await lookAtRuntime(scope, machine, stateDir, instance),
    gateway: lookAtGateway(wantsGateway, path),
    shortages: shortagesNow(dir, EVICTION),
    room: { dir, diskBytes: disk.bavail * disk.bsize, memoryBytes: freemem() },
    listeners: listeners(),
    wantedPorts: wantedPorts(examined),
  }
}

/** The folder, or the nearest one above it that is there. */
const existing = (dir: string): string => (existsSync(dir) ? dir : existing(dirname(dir)))

/** Built in, or loaded; or a module that the first socket loads. */
function hasSctp(): boolean {
  if (/^SCTP/m.test(read('/proc/net/protocols'))) return true
  return /\/sctp\.ko/.test(read(`/lib/modules/${read('/proc/sys/kernel/osrelease').trim()}/modules.dep`))
}

function lookAtGateway(isWanted: boolean, path: string): GatewayFacts {
  if (missingPrograms(GATEWAY_PROGRAMS, path).length > 0) return { isWanted, version: undefined, speaksLua: false }
  const [{ program }] = GATEWAY_PROGRAMS
  const said = execFileSync(program, ['-vv'], { encoding: 'utf8' })
  return { isWanted, version: /version (\d[\w.]*)/.exec(said)?.[1] ?? 'unknown version', speaksLua: /\+LUA\b|USE_LUA=1/.test(said) }
}

const listeners = (): readonly Listener[] =>
  (['tcp', 'udp'] as const).flatMap((protocol) =>
    ['', '6'].flatMap((family) => listenersOf(read(`/proc/net/${protocol}${family}`), protocol)),
  )

const read = (path: string): string => readFileIfThere(path) ?? ''
